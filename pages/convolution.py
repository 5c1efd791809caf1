"""The convolution lesson: what does one filter do, and why is the output this size?"""

from cnnviz.ui.convolution_views import choose_view, show_view
from cnnviz.ui.page import set_up_page
from cnnviz.ui.url_state import open_page_state

is_entered = set_up_page(
    "Convolution", "🔲", "What does one filter do, and why is the output this size?"
)
state = open_page_state("convolution", is_entered=is_entered)
show_view(choose_view(state), state)
