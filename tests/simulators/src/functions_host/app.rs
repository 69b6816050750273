//! A packaged app, read as the host reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::ncrontab::Schedule;
use super::route::Template;

/// A packaged app.
#[derive(Clone, Debug)]
pub struct App {
    /// Its root.
    pub root: PathBuf,
    /// `description.defaultExecutablePath`, found.
    pub program: PathBuf,
    /// `description.arguments`.
    pub arguments: Vec<String>,
    /// The functions by name.
    pub functions: BTreeMap<String, Function>,
    /// `functionTimeout`.
    pub timeout: Duration,
    /// `extensions.http.routePrefix`.
    pub prefix: String,
    /// `extensions.queues.batchSize`.
    pub batch_size: usize,
    /// `extensions.queues.newBatchThreshold`.
    pub new_batch_threshold: usize,
    /// `extensions.queues.maxDequeueCount`.
    pub max_dequeue_count: u64,
    /// `extensions.queues.visibilityTimeout`.
    pub visibility_timeout: Duration,
    /// `extensions.queues.maxPollingInterval`.
    pub max_polling_interval: Duration,
}

/// A function of an app.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its folder's name.
    pub name: String,
    /// The name of its trigger's data.
    pub binding: String,
    /// Its trigger.
    pub trigger: Trigger,
}

/// What triggers a function.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A request.
    Http {
        /// Its paths.
        template: Template,
        /// Its methods, in capitals; empty for all.
        methods: Vec<String>,
        /// The access level of a function.
        level: Level,
    },
    /// The clock.
    Timer {
        /// When.
        schedule: Schedule,
        /// `useMonitor`: what was missed while no host was there is made up for, once.
        monitor: bool,
    },
    /// A message.
    Queue {
        /// Of this queue.
        queue: String,
        /// The setting that names its account.
        connection: String,
    },
}

/// Whose key a request needs: `authLevel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// No access from outside.
    Anonymous,
    /// The function's, or the app's.
    Function,
    /// The app's master key.
    Admin,
}

impl App {
    /// Reads it.
    ///
    /// # Errors For everything that the host would refuse or leave out. (The host would run the
    /// rest; a package of the product has nothing to leave out.)
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let host = json(&root.join("host.json"))?;
        ensure!(host["version"] == "2.0", "host.json: the version must be 2.0");
        let handler = &host["customHandler"];
        ensure!(
            handler["enableProxyingHttpRequest"] == true,
            "host.json: this stand-in proxies requests, and does nothing else with them"
        );
        ensure!(
            handler["http"].is_null(),
            "host.json: customHandler.http.routes excludes function.json"
        );
        let path = handler["description"]["defaultExecutablePath"]
            .as_str()
            .context("defaultExecutablePath")?;
        let program = root.join(path);
        ensure!(program.is_file(), "{path} is not in the package");
        let arguments = handler["description"]["arguments"].as_array().into_iter().flatten();
        let queues = &host["extensions"]["queues"];
        ensure!(
            queues["messageEncoding"] == "none",
            "host.json: without messageEncoding none, plain messages are taken for base64"
        );
        let number = |name: &str, usual: u64| queues[name].as_u64().unwrap_or(usual);
        let batch_size = number("batchSize", 16);
        ensure!((1..=32).contains(&batch_size), "host.json: batchSize must be 1 to 32");
        let mut functions = BTreeMap::new();
        for entry in std::fs::read_dir(root)? {
            let entry = entry?;
            let file = entry.path().join("function.json");
            if !file.is_file() {
                continue;
            }
            let name = entry.file_name().into_string().ok().context("a folder's name")?;
            check_folder(&name, &entry.path())?;
            let function = read_function(&name, &json(&file)?).with_context(|| name.clone())?;
            functions.insert(name, function);
        }
        ensure!(!functions.is_empty(), "no function was found");
        check_routes(&functions)?;
        Ok(Self {
            root: root.to_owned(),
            program,
            arguments: arguments
                .filter_map(|argument| argument.as_str().map(str::to_owned))
                .collect(),
            functions,
            timeout: span(&host["functionTimeout"], 1800)?,
            prefix: host["extensions"]["http"]["routePrefix"].as_str().unwrap_or("api").to_owned(),
            batch_size: batch_size as usize,
            // By default it also grows with the cores, so a package that leaves it out behaves
            // differently from machine to machine.
            new_batch_threshold: queues["newBatchThreshold"]
                .as_u64()
                .context("host.json: newBatchThreshold")?
                .try_into()?,
            max_dequeue_count: number("maxDequeueCount", 5),
            visibility_timeout: span(&queues["visibilityTimeout"], 0)?,
            max_polling_interval: span(&queues["maxPollingInterval"], 60)?,
        })
    }
}

fn check_folder(name: &str, folder: &Path) -> anyhow::Result<()> {
    let legal = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    ensure!(legal && !name.eq_ignore_ascii_case("host"), "{name} is no name for a function");
    for file in std::fs::read_dir(folder)? {
        let file = file?.file_name().into_string().unwrap_or_default();
        ensure!(
            !file.starts_with("run."),
            "{name}/{file} would be taken for the function's script"
        );
    }
    Ok(())
}

/// The host would take either.
fn check_routes(functions: &BTreeMap<String, Function>) -> anyhow::Result<()> {
    let mut seen: Vec<(&str, &Template, &[String])> = Vec::new();
    for function in functions.values() {
        if let Trigger::Http { template, methods, .. } = &function.trigger {
            for (other, known, theirs) in &seen {
                let shared = methods.is_empty()
                    || theirs.is_empty()
                    || methods.iter().any(|method| theirs.contains(method));
                ensure!(
                    *known != template || !shared,
                    "{} and {other} share a route",
                    function.name
                );
            }
            seen.push((&function.name, template, methods));
        }
    }
    Ok(())
}

fn read_function(name: &str, file: &Value) -> anyhow::Result<Function> {
    let bindings = file["bindings"]
        .as_array()
        .filter(|bindings| !bindings.is_empty())
        .context("bindings are missing")?;
    let kind = |binding: &Value| binding["type"].as_str().unwrap_or_default().to_owned();
    let triggers: Vec<&Value> =
        bindings.iter().filter(|binding| kind(binding).ends_with("Trigger")).collect();
    let [trigger] = triggers[..] else { bail!("a function has one trigger") };
    ensure!(trigger["direction"] == "in", "a trigger's direction is in");
    let text =
        |field: &str| trigger[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let binding = text("name").context("a binding has a name")?;
    let trigger = match kind(trigger).as_str() {
        "httpTrigger" => {
            let out = bindings.len() == 2
                && bindings
                    .iter()
                    .any(|binding| kind(binding) == "http" && binding["direction"] == "out");
            ensure!(
                out,
                "with anything but one trigger and one http output, requests would come in an \
                envelope"
            );
            let level = match trigger["authLevel"].as_str() {
                Some("anonymous") => Level::Anonymous,
                None | Some("function") => Level::Function,
                Some("admin") => Level::Admin,
                Some(other) => bail!("the authLevel {other} is not known"),
            };
            let methods = trigger["methods"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_uppercase)
                .collect();
            // Without a route, or with an empty one, the host takes the name.
            Trigger::Http {
                template: Template::parse(&text("route").unwrap_or_else(|| name.to_owned()))?,
                methods,
                level,
            }
        }
        "timerTrigger" => {
            let schedule = text("schedule").context("a timer has a schedule")?;
            ensure!(trigger["runOnStartup"] != true, "it would run whenever an instance starts");
            Trigger::Timer {
                schedule: Schedule::parse(&schedule)?,
                monitor: trigger["useMonitor"] != false,
            }
        }
        "queueTrigger" => {
            let queue = text("queueName").context("a queue has a name")?;
            let legal = (3..=63).contains(&queue.len())
                && queue.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            ensure!(
                legal && !queue.starts_with('-') && !queue.ends_with('-') && !queue.contains("--"),
                "{queue} is no name for a queue"
            );
            Trigger::Queue {
                queue,
                connection: text("connection").unwrap_or_else(|| "AzureWebJobsStorage".to_owned()),
            }
        }
        other => bail!("{other} is not known"),
    };
    Ok(Function { name: name.to_owned(), binding, trigger })
}

fn json(file: &Path) -> anyhow::Result<Value> {
    serde_json::from_slice(&std::fs::read(file).with_context(|| file.display().to_string())?)
        .with_context(|| file.display().to_string())
}

/// `hh:mm:ss`.
fn span(value: &Value, usual: u64) -> anyhow::Result<Duration> {
    let Some(text) = value.as_str() else { return Ok(Duration::from_secs(usual)) };
    let fields = text.split(':').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    let [hours, minutes, seconds] = fields[..] else { bail!("{text} is no span") };
    Ok(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
}
