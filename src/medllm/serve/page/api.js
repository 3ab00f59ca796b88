// Requests to this server: JSON in, JSON or events out, and one shape of error.
export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(body.error || `HTTP ${status}`);
    Object.assign(this, { status, hint: body.hint || "", id: body.id || "", retryAfter });
  }
}

const refusal = async (response) => {
  let body = {};
  try { body = await response.json(); } catch { /* a proxy's page: the status has to do */ }
  return new Refusal(response.status, body, Number(response.headers.get("retry-after")) || 0);
};

const headers = { "content-type": "application/json" };

export const get = async (path) => {
  const response = await fetch(`/api/v1/${path}`, { cache: "no-store" });
  if (!response.ok) throw await refusal(response);
  return response.json();
};

export const post = async (path, body, signal) => {
  const response = await fetch(`/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (!response.ok) throw await refusal(response);
  return response.json();
};

export const remove = async (path) => {
  const response = await fetch(`/api/v1/${path}`, { method: "DELETE" });
  if (!response.ok) throw await refusal(response);
};

export const upload = async (path, file) => {
  const response = await fetch(`/api/v1/${path}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
  if (!response.ok) throw await refusal(response);
  return response.json();
};

// Calls `take(name, data)` for each event; ends when the stream does.
export const events = async (path, body, signal, take) => {
  const response = await fetch(`/api/v1/${path}`, { method: "POST", headers: { ...headers, accept: "text/event-stream" }, body: JSON.stringify(body), signal });
  if (!response.ok) throw await refusal(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const frames = rest.split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const lines = frame.split("\n");
      const name = lines.find((line) => line.startsWith("event: "));
      const data = lines.find((line) => line.startsWith("data: "));
      if (name && data) take(name.slice(7), JSON.parse(data.slice(6)));
    }
  }
};
