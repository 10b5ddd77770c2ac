"""python -m rhythmvae"""

import sys

from rhythmvae.cli.commands import main

sys.exit(main())
