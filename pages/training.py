"""The training page: what happens while a network learns?"""

from cnnviz.ui.page import set_up_page
from cnnviz.ui.training_views import TRAINING_VIEWS
from cnnviz.ui.url_state import open_page_state
from cnnviz.ui.views import choose_view

is_entered = set_up_page("Training", "📈", "What happens while a network learns?")
state = open_page_state("training", is_entered=is_entered)
view = choose_view(state, TRAINING_VIEWS)
TRAINING_VIEWS[view].show(state)
