"""`python -m weightwise` is the command line."""

from weightwise.cli import main

raise SystemExit(main())
