"""The page on confusions: what does a network get wrong, class by class and picture by picture?"""

from cnnviz.ui.confusion_views import CONFUSION_VIEWS
from cnnviz.ui.page import set_up_page
from cnnviz.ui.url_state import open_page_state
from cnnviz.ui.views import choose_view

is_entered = set_up_page("Confusion", "🐈", "What does it get wrong, and why?")
state = open_page_state("confusion", is_entered=is_entered)
view = choose_view(state, CONFUSION_VIEWS)
CONFUSION_VIEWS[view].show(state)
