"""The convolution lesson: what does one filter do, and why is the output this size?"""

from cnnviz.ui.convolution_views import CONVOLUTION_VIEWS
from cnnviz.ui.page import set_up_page
from cnnviz.ui.url_state import open_page_state
from cnnviz.ui.views import choose_view

is_entered = set_up_page(
    "Convolution", "🔲", "What does one filter do, and why is the output this size?"
)
state = open_page_state("convolution", is_entered=is_entered)
view = choose_view(state, CONVOLUTION_VIEWS)
CONVOLUTION_VIEWS[view].show(state)
