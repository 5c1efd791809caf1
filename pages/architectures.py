"""The page on architectures: how do layers add up, and what does each one see?"""

from cnnviz.ui.architecture_views import ARCHITECTURE_VIEWS
from cnnviz.ui.page import set_up_page
from cnnviz.ui.url_state import open_page_state
from cnnviz.ui.views import choose_view

is_entered = set_up_page("Architectures", "🧱", "How do layers add up, and what does each one see?")
state = open_page_state("architectures", is_entered=is_entered)
view = choose_view(state, ARCHITECTURE_VIEWS)
ARCHITECTURE_VIEWS[view].show(state)
