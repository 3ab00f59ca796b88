// Renders prompts as Ollama does, with the real text/template: a list of {template, messages} on
// standard input, a list of texts on standard output. Built by test_go_templates.py.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"text/template"
)

type message struct {
	Role, Content, Thinking string
}

type prompt struct {
	Template string
	Messages []message
}

func render(p prompt) string {
	var joined []*message
	for i := range p.Messages {
		m := &p.Messages[i]
		if n := len(joined); n > 0 && joined[n-1].Role == m.Role {
			joined[n-1].Content += "\n\n" + m.Content
		} else {
			joined = append(joined, m)
		}
	}
	var out bytes.Buffer
	parsed, err := template.New("").Option("missingkey=zero").Parse(p.Template)
	if err == nil {
		err = parsed.Execute(&out, map[string]any{"Messages": joined})
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return out.String()
}

func main() {
	var prompts []prompt
	if err := json.NewDecoder(os.Stdin).Decode(&prompts); err != nil {
		panic(err)
	}
	texts := make([]string, len(prompts))
	for i, p := range prompts {
		texts[i] = render(p)
	}
	if err := json.NewEncoder(os.Stdout).Encode(texts); err != nil {
		panic(err)
	}
}
