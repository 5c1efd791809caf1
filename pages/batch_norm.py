"""The page on batch normalization: what does it do to the numbers, in training and evaluation?"""

from cnnviz.ui.batch_norm_views import BATCH_NORM_VIEWS
from cnnviz.ui.page import set_up_page
from cnnviz.ui.url_state import open_page_state
from cnnviz.ui.views import choose_view

is_entered = set_up_page("Batch normalization", "📊", "What does it do to the numbers?")
state = open_page_state("batch_norm", is_entered=is_entered)
view = choose_view(state, BATCH_NORM_VIEWS)
BATCH_NORM_VIEWS[view].show(state)
