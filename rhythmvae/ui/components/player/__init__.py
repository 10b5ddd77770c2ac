"""Players of pages that the deck has not taken over yet."""

from rhythmvae.ui.components.deck import COMPONENT as COMPONENT
from rhythmvae.ui.components.deck import Edit as Edit
from rhythmvae.ui.components.deck import Hear as Hear
from rhythmvae.ui.components.deck import Heard as Heard
from rhythmvae.ui.components.deck import Lane as Lane
from rhythmvae.ui.components.deck import act_of as act_of
from rhythmvae.ui.components.deck import edit_of as edit_of
from rhythmvae.ui.components.deck import panel

show = panel
