"""`python -m medllm`."""

import sys

from medllm.cli.main import main

sys.exit(main())
