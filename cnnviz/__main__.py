"""`python -m cnnviz`: the work of the dashboard from a shell."""

import sys

from cnnviz.cli import main

sys.exit(main())
