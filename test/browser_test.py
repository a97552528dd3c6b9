#!/usr/bin/env python3
"""browser_test.py PROGRAM SEED: the desk and the why page as a person with a browser sees them.

Debian's Chromium drives real pages of a real daemon: sign in, find a refused
message, read its story, open its why page, paste a bounce, release what was
quarantined and see it arrive (where a private Postfix runs). Every page is
measured by axe-core where build/node_modules has it (npm install --prefix build
axe-core), and a picture of each, narrow and wide, light and dark, is put into
build/screens/. Skipped, by name, where there is no browser."""
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gate
from desk_rig import OPERATOR, PASSWORD, TOP, Desk

BUILD = pathlib.Path(os.environ.get("MESON_BUILD_ROOT", TOP / "build"))
SCREENS = BUILD / "screens"
AXE = TOP / "build" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb")
BOUNCE = "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject."

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("1..0 # SKIP no python3-selenium")
    sys.exit(0)
if not (os.path.exists("/usr/bin/chromium") and os.path.exists("/usr/bin/chromedriver")):
    print("1..0 # SKIP no chromium, or no chromium-driver")
    sys.exit(0)

number = 0
failed = 0


def check(good, sentence, more=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    if not good and more:
        print("\n".join("# " + line for line in str(more).splitlines()))
    sys.stdout.flush()


def skip(sentence, why):
    global number
    number += 1
    print(f"ok {number} - {sentence} # SKIP {why}")


def browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS + (f"--user-data-dir={profile}",) + (("--no-sandbox",) if os.geteuid() == 0 else ()):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def text_of(b, tag="main"):
    """Empty while one page goes and the next comes."""
    try:
        return b.find_element(By.TAG_NAME, tag).text
    except WebDriverException:
        return ""


def size(b, width, dark=False, height=900):
    b.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
    b.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})


def picture(b, name):
    """The whole page, in four looks; True when nothing has to be scrolled sideways."""
    fits = True
    for width in (1280, 390):
        for dark in (False, True):
            size(b, width, dark)
            height = min(b.execute_script("return document.documentElement.scrollHeight"), 4000)
            size(b, width, dark, max(height, 600))
            fits = b.execute_script("return document.documentElement.scrollWidth <= innerWidth") and fits
            b.save_screenshot(str(SCREENS / f"{name}-{width}-{'dark' if dark else 'light'}.png"))
    size(b, 320, height=800)  # 1280 pixels at 400 %
    fits = b.execute_script("return document.documentElement.scrollWidth <= innerWidth") and fits
    size(b, 1280)
    return fits


def faults(b):
    """Serious faults that axe-core finds, in both colour schemes."""
    found = []
    for dark in (False, True):
        size(b, 1280, dark)
        b.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})  # not bound by the page's CSP
        result = b.execute_async_script("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done, e => done({violations: "
                                        "[{id: String(e), impact: 'critical', nodes: []}]}));")
        for v in result["violations"]:
            if v["impact"] in ("serious", "critical"):
                found += [f"{'dark' if dark else 'light'} {v['id']}: {n['html'][:160]} {n.get('failureSummary', '')[:200]}" for n in v["nodes"][:4]] or [v["id"]]
    size(b, 1280)
    return found


def look(b, name, url, title):
    b.get(url)
    check(title in b.title, f"{name}: the page is there", b.title)
    measure(b, name)


def measure(b, name):
    check(picture(b, name), f"{name}: nothing is cut off at 1280, 390 and 320 pixels")
    if AXE.exists():
        found = faults(b)
        check(not found, f"{name}: axe-core finds no serious fault, light or dark", "\n".join(found))
    else:
        skip(f"{name}: axe-core finds no serious fault", "no axe-core under build/node_modules")


def main():
    SCREENS.mkdir(parents=True, exist_ok=True)
    with Desk(sys.argv[1], sys.argv[2], more="web { why_tickets = yes }\n") as d, tempfile.TemporaryDirectory(prefix="mailreeve-browser-", ignore_cleanup_errors=True) as profile:
        b = browser(profile)
        try:
            walk(b, d, f"http://127.0.0.1:{d.port}")
        finally:
            b.quit()
    print(f"1..{number}")
    return 1 if failed else 0


def walk(b, d, top):
    size(b, 1280)
    b.get(f"{top}/messages?action=reject")
    check(b.current_url.startswith(f"{top}/login"), "who is not signed in is asked to", b.current_url)
    measure(b, "login")
    b.find_element(By.ID, "name").send_keys(OPERATOR)
    b.find_element(By.ID, "password").send_keys("not the password", Keys.ENTER)
    check(wait_for(lambda: "do not fit" in text_of(b)), "a wrong password is told")
    b.find_element(By.ID, "password").send_keys(PASSWORD, Keys.ENTER)
    check(wait_for(lambda: b.current_url == f"{top}/messages"), "after signing in one is where one wanted to go", b.current_url)

    look(b, "overview", f"{top}/?period=7d", "Overview")
    b.get(f"{top}/?period=24h&show=trouble")
    check(len(b.find_elements(By.CSS_SELECTOR, "svg.bars g")) == 24, "24 hours have 24 bars")
    b.find_element(By.CSS_SELECTOR, "details summary").click()
    check(len(b.find_elements(By.CSS_SELECTOR, "details tbody tr")) == 24, "and a table of 24 rows beside them")
    picture(b, "overview-trouble")

    look(b, "messages", f"{top}/messages", "Messages")
    b.find_element(By.ID, "f-domain").send_keys("example.com")
    b.find_element(By.CSS_SELECTOR, "#f-action option:nth-child(6)").click()
    b.find_element(By.CSS_SELECTOR, ".filters button").click()
    check(wait_for(lambda: "domain=example.com" in b.current_url and "action=reject" in b.current_url), "the filters are in the address",
          b.current_url)
    actions = {e.text for e in b.find_elements(By.CSS_SELECTOR, ".list .action")}
    check(len(actions) == 1 and "refused" in actions.pop(), "a filtered list holds what was asked for")
    b.find_element(By.CSS_SELECTOR, ".list tbody a").click()
    check("/message/" in b.current_url, "a row leads to its story", b.current_url)

    look(b, "message", f"{top}/message/{d.ids['forged-reject']}", "Message")
    text = b.find_element(By.TAG_NAME, "main").text
    check("dmarc.reject" in text and "v=DMARC1" in text and "TXT _dmarc.example.com" in text, "the story tells question and answer", text)
    b.find_element(By.LINK_TEXT, "The page that explains it to the sender").click()
    check("Your mail was refused" in b.find_element(By.TAG_NAME, "h1").text, "the link leads to the why page", b.current_url)
    measure(b, "why")
    b.find_element(By.CSS_SELECTOR, "button[value=check]").click()
    check(wait_for(lambda: "Such a mail would still be refused." in text_of(b)), "it can be checked again, beside what was found then", text_of(b))
    measure(b, "why-again")
    b.find_element(By.ID, "contact").send_keys("clara@example.com")
    b.find_element(By.ID, "note").send_keys("This was our invoice run.\nPlease look.")
    b.find_element(By.CSS_SELECTOR, "button[value=ask]").click()
    check(wait_for(lambda: "The postmaster has been asked" in text_of(b)), "and the postmaster asked", text_of(b))
    look(b, "why-lookups", f"http://127.0.0.1:{d.why_port}/why/{d.ids['eleven-lookups']}", "Why")
    look(b, "why-unknown", f"http://127.0.0.1:{d.why_port}/why/AAAAAAAAAAAA", "Why")
    look(b, "message-accepted", f"{top}/message/{d.ids['good']}", "Message")

    b.get(f"{top}/message/{d.ids['hostile']}")
    check(b.execute_script("return document.querySelectorAll('main script, main img, main i').length") == 0 and "<script>" in
          b.find_element(By.TAG_NAME, "main").text, "markup in a mail is text")

    b.get(f"{top}/explain")
    b.find_element(By.ID, "text").send_keys(BOUNCE)
    b.find_element(By.CSS_SELECTOR, "form.explain button.main").click()
    check(wait_for(lambda: "authfailure" in text_of(b) and "What to do" in text_of(b)), "a pasted bounce is explained", text_of(b))
    measure(b, "explain")
    plain = b.find_element(By.ID, "plain").get_attribute("value")
    check("Who mends it" in plain and "authfailure" in plain, "a text for the ticket stands in a field", plain)
    b.find_element(By.CSS_SELECTOR, "button[name=live]").click()
    check(wait_for(lambda: "Checked now" in text_of(b)), "a button checks it against DNS", text_of(b))
    measure(b, "explain-live")
    look(b, "tickets", f"{top}/tickets", "Tickets")
    check("clara@example.com" in text_of(b) and "our invoice run" in text_of(b), "who asked is in the dashboard", text_of(b))
    b.find_element(By.CSS_SELECTOR, ".ticket button").click()
    check(wait_for(lambda: "Nobody asks for anything." in text_of(b)), "a click closes the ticket", text_of(b))
    measure(b, "tickets-empty")
    release(b, d, top)
    for name, title in (("reasons", "Reasons"), ("health", "Health"), ("audit", "Audit trail")):
        look(b, name, f"{top}/{name}", title)

    b.get(f"{top}/")
    b.find_element(By.ID, "find").send_keys(d.ids["forged-reject"].lower(), Keys.ENTER)
    check(wait_for(lambda: d.ids["forged-reject"] in b.title), "the box on top finds an id, in lower case too", b.title)
    body = b.find_element(By.TAG_NAME, "body")
    b.get(f"{top}/")
    b.switch_to.active_element.send_keys(Keys.TAB)
    check(b.switch_to.active_element.text == "Skip to the content", "the first stop of the keyboard skips the navigation", body)
    b.find_element(By.CSS_SELECTOR, ".me button").click()
    check(wait_for(lambda: "/login" in b.current_url), "signing out leads to the sign-in", b.current_url)
    b.get(f"{top}/")
    check("/login" in b.current_url, "and back is not in")
    noise = [e["message"] for e in b.get_log("browser") if e["level"] in ("SEVERE",) and "403" not in e["message"] and "404" not in e["message"]]
    check(not noise, "the browser complains about nothing", "\n".join(noise))


def release(b, d, top):
    look(b, "quarantine-empty", f"{top}/quarantine?state=expired", "Quarantine")
    if d.postfix is None:
        skip("a quarantined message is released and arrives", gate.why_not())
        return
    for n in range(3):
        d.send("forged-quarantine", f"browser-{n}")
    look(b, "quarantine", f"{top}/quarantine", "Quarantine")
    check(gate.wait_for(lambda: b.get(f"{top}/quarantine") or len(b.find_elements(By.CSS_SELECTOR, ".list tbody a[href^='/quarantine/']")) == 3),
          "what is set aside is listed")
    b.find_element(By.CSS_SELECTOR, ".list tbody a").click()
    check("X-Mark: browser-2" in b.find_element(By.CSS_SELECTOR, "pre.mail").text, "and can be read as text")
    measure(b, "quarantine-one")
    b.find_element(By.CSS_SELECTOR, ".sure summary").click()
    check(b.find_element(By.CSS_SELECTOR, "button.danger").is_displayed(), "deleting asks once more")
    b.find_element(By.CSS_SELECTOR, "button[value=release]").click()
    check(wait_for(lambda: "Was released" in text_of(b), 30), "a click releases it", text_of(b))
    check(d.postfix.delivered("X-Mark: browser-2") is not None, "and it arrives")
    measure(b, "quarantine-released")


sys.exit(main())
