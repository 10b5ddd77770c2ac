"""python -m rhythmvae"""

import sys

from rhythmvae.cli import main

sys.exit(main())
