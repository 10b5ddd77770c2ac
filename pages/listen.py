"""A review as a reviewer takes it; reached by its link alone."""

from rhythmvae.ui.parts import listening
from rhythmvae.ui.session import navigation

navigation.guard()

listening.show()
