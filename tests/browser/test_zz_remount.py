import re
from playwright.sync_api import Page, expect
def test_back(open_page):
    page = open_page("architectures?view=table")
    b = page.locator(".network-drawing button")
    expect(b).to_have_count(9, timeout=30000)
    page.get_by_role("button", name="conv2, 16").click()
    page.wait_for_url(re.compile("layer=conv2"))
    page.get_by_role("button", name="16·5·5").click() if page.get_by_role("button", name="16·5·5").count() else page.get_by_text("16·5·5", exact=True).first.click()
    page.wait_for_url(re.compile("view=flatten"))
    page.get_by_text("Layer by layer", exact=True).first.click()
    page.wait_for_url(re.compile("view=table"))
    expect(b).to_have_count(9, timeout=30000)
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="fc1, 120").click()
    page.wait_for_timeout(3000)
    print("URL", page.url)
    assert "layer=fc1" in page.url
