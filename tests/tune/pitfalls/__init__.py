"""The pitfalls that real fine-tuning projects fell into; each test also shows the naive way fail.

 1  padding with the end of the turn         test_tokens.py
 2  the begin-of-text token twice            test_tokens.py
 3  stock templates mark nothing             test_tokens.py
 4  DeepSeek-R1 deletes reasoning            test_tokens.py
 5  today's date in the prompt               test_tokens.py
 6  a base without a chat template           test_weights.py
 7  truncation takes the answer              test_losses.py
 8  a loss that depends on the batch size    test_losses.py
 9  counters that begin anew on a resume     test_losses.py
10  packed records that see each other       test_losses.py
11  merging into 4-bit weights               test_quantised_base.py
12  tied embeddings come apart               test_weights.py
13  configs that exporters cannot read       test_saved_files.py
14  a Llama 2 vocabulary without scores      test_vocabularies.py
15  the wrong way to cut words               test_vocabularies.py
16  adapters that vLLM refuses               test_saved_files.py
"""
