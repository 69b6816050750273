//! One window of a browser: what a person does in it, and what they see.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::pipe::{Event, Pipe};

/// The screen of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// They prefer light on dark.
    pub dark: bool,
}

/// A window of a user who has opened no page yet.
#[derive(Debug)]
pub struct Window {
    pipe: Arc<Pipe>,
    session: String,
    context: String,
}

impl Window {
    pub(super) async fn new(pipe: &Arc<Pipe>) -> anyhow::Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        let context = text(
            &pipe.call(None, "Target.createBrowserContext", json!({})).await?["browserContextId"],
        )?;
        let new = json!({"url": "about:blank", "browserContextId": context});
        let target = text(&pipe.call(None, "Target.createTarget", new).await?["targetId"])?;
        let attached = pipe
            .call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true}))
            .await?;
        let window =
            Self { pipe: Arc::clone(pipe), session: text(&attached["sessionId"])?, context };
        for domain in ["Page", "Network", "Log", "Runtime", "DOM", "Accessibility", "Audits"] {
            window.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(window)
    }

    async fn call(&self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.pipe.call(Some(&self.session), method, parameters).await
    }

    fn events(&self) -> Vec<Event> {
        self.pipe.events(&self.session)
    }

    /// Types an address, and waits for the page; its status.
    ///
    /// # Errors Where no server answers at the address.
    pub async fn open(&self, url: &str) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        let gone = self.call("Page.navigate", json!({"url": url})).await?;
        if let Some(why) = gone["errorText"].as_str() {
            bail!("the page cannot be opened: {why}");
        }
        self.arrived(before).await
    }

    /// Clicks something of this role (`button`, `link`, `checkbox`) and name, as they are read out.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub async fn click(&self, role: &str, name: &str) -> anyhow::Result<()> {
        let root =
            self.call("DOM.getDocument", json!({"depth": 0})).await?["root"]["nodeId"].clone();
        let found = self
            .call(
                "Accessibility.queryAXTree",
                json!({"nodeId": root, "role": role, "accessibleName": name}),
            )
            .await?;
        let all: Vec<&Value> = found["nodes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|node| node["ignored"] != true)
            .collect();
        ensure!(
            all.len() == 1,
            "{} of {role} \"{name}\" on the page: {}",
            all.len(),
            self.text().await?
        );
        let node = json!({"backendNodeId": all[0]["backendDOMNodeId"]});
        self.call("DOM.scrollIntoViewIfNeeded", node.clone()).await?;
        let quads = self.call("DOM.getContentQuads", node).await?;
        let corner = |n: usize| quads["quads"][0][n].as_f64().context("it is not to be seen");
        let (x, y) = ((corner(0)? + corner(4)?) / 2.0, (corner(1)? + corner(5)?) / 2.0);
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await?;
        }
        Ok(())
    }

    /// As above, for an element that leads to another page; returns that page's status.
    ///
    /// # Errors
    /// As [`Window::click`]; or where no page comes.
    pub async fn follow(&self, role: &str, name: &str) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        self.click(role, name).await?;
        self.arrived(before).await
    }

    /// As above, by two clicks in a row.
    ///
    /// # Errors
    /// As [`Window::follow`].
    pub async fn follow_impatiently(&self, role: &str, name: &str) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        self.click(role, name).await?;
        // The second one may find the page gone.
        let _ = self.click(role, name).await;
        self.arrived(before).await
    }

    /// Types a text into the field of this name.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub async fn fill(&self, name: &str, text: &str) -> anyhow::Result<()> {
        self.click("textbox", name).await?;
        self.call("Input.insertText", json!({"text": text})).await?;
        Ok(())
    }

    /// Presses a key (`Tab`, `Enter`).
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn press(&self, key: &str) -> anyhow::Result<()> {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            _ => bail!("{key} is on no keyboard here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }});
            self.call("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// As above, for an element that leads to another page; returns that page's status.
    ///
    /// # Errors
    /// Where no page comes.
    pub async fn press_and_follow(&self, key: &str) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        self.press(key).await?;
        self.arrived(before).await
    }

    /// The way back; the status of the page there.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn back(&self) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        let history = self.call("Page.getNavigationHistory", json!({})).await?;
        let at = history["currentIndex"]
            .as_u64()
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| at.checked_sub(1));
        let entry = &history["entries"][at.context("there is nothing to go back to")?]["id"];
        self.call("Page.navigateToHistoryEntry", json!({"entryId": entry})).await?;
        self.arrived(before).await
    }

    /// The page once more; its status.
    ///
    /// # Errors
    /// Where no page comes.
    pub async fn reload(&self) -> anyhow::Result<u16> {
        let before = loads(&self.events());
        self.call("Page.reload", json!({})).await?;
        self.arrived(before).await
    }

    async fn arrived(&self, before: usize) -> anyhow::Result<u16> {
        self.pipe
            .until(&self.session, "a page", |events| (loads(events) > before).then_some(()))
            .await?;
        let answer = self.answer().context("a page without an answer")?;
        answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).context("no status")
    }

    /// The answer that the page came in.
    fn answer(&self) -> Option<Value> {
        let events = self.events();
        let page = events.iter().rfind(|event| {
            event.name == "Network.responseReceived" && event.of["type"] == "Document"
        })?;
        Some(page.of["response"].clone())
    }

    /// A header field of the answer that the page came in; empty where it is absent.
    pub fn header(&self, name: &str) -> String {
        let answer = self.answer().unwrap_or_default();
        let headers = answer["headers"].as_object();
        let found = headers
            .and_then(|headers| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)));
        found.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
    }

    /// The content of the address bar.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn address(&self) -> anyhow::Result<String> {
        Ok(self.ask("location.href").await?.as_str().unwrap_or_default().to_owned())
    }

    /// The title, and the words on the page as they are shown.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn text(&self) -> anyhow::Result<String> {
        Ok(self
            .ask("document.title + '\\n' + document.body.innerText")
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// The value of an expression, asked from outside the page.
    ///
    /// # Errors
    /// Where it has none.
    pub async fn ask(&self, expression: &str) -> anyhow::Result<Value> {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", asked).await?;
        ensure!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {}",
            answer["exceptionDetails"]
        );
        Ok(answer["result"]["value"].take())
    }

    /// What is read out of the page, in its order: role and name of everything that has both.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn read_out(&self) -> anyhow::Result<Vec<String>> {
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await?;
        let message =
            tree["nodes"].as_array().into_iter().flatten().filter(|node| node["ignored"] != true);
        Ok(message
            .map(|node| {
                [&node["role"], &node["name"]]
                    .map(|part| part["value"].as_str().unwrap_or_default())
                    .join(" ")
            })
            .collect())
    }

    /// Their cookies.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn cookies(&self) -> anyhow::Result<Vec<Value>> {
        let all = self
            .pipe
            .call(None, "Storage.getCookies", json!({"browserContextId": self.context}))
            .await?;
        Ok(all["cookies"].as_array().cloned().unwrap_or_default())
    }

    /// Changes how the screen is.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn look(&self, look: Look) -> anyhow::Result<()> {
        let size = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = json!({"name": "prefers-color-scheme", "value": if look.dark { "dark" } else { "light" }});
        self.call("Emulation.setEmulatedMedia", json!({"features": [scheme]})).await?;
        Ok(())
    }

    /// The screen as a picture (PNG).
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        Ok(BASE64.decode(taken["data"].as_str().unwrap_or_default().as_bytes())?)
    }

    /// Text with a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3), each with its ratio.
    ///
    /// # Errors
    /// Where the browser has ended.
    pub async fn hard_to_read(&self) -> anyhow::Result<Vec<String>> {
        let found = self.ask(include_str!("contrast.js")).await?;
        Ok(found
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect())
    }

    /// Everything that was asked for, in its order, with what came of redirects.
    pub fn asked(&self) -> Vec<String> {
        let asked =
            self.events().into_iter().filter(|event| event.name == "Network.requestWillBeSent");
        asked.filter_map(|event| event.of["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// What the browser had to complain of so far: a page's policy, its console, its code, and how
    /// it is made.
    pub fn complaints(&self) -> Vec<String> {
        let complaint = |event: Event| match event.name.as_str() {
            // That a page came with 400 is no complaint.
            "Log.entryAdded" if event.of["entry"]["source"] != "network" => {
                Some(event.of["entry"]["text"].to_string())
            }
            "Runtime.consoleAPICalled" => Some(event.of["args"].to_string()),
            "Runtime.exceptionThrown" => Some(event.of["exceptionDetails"]["text"].to_string()),
            "Audits.issueAdded" => Some(event.of["issue"].to_string()),
            _ => None,
        };
        self.events().into_iter().filter_map(complaint).collect()
    }
}

fn loads(events: &[Event]) -> usize {
    events.iter().filter(|event| event.name == "Page.loadEventFired").count()
}
