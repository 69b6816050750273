//! The deployment to Azure, as far as it can be held to its word without Azure (O2, O3, S1, S8).
//! Each check is shown a deployment that it must refuse.

mod bicep;
mod checks;
mod deploy;
mod expectations;
mod logs;
mod mutations;
mod package;
mod proxies;
mod supply;

use std::path::{Path, PathBuf};
use std::process::Command;

use checks::{Sources, findings};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").to_owned()
}

fn sources() -> Sources {
    let infra = root().join("infra");
    let mut sources = Sources::new();
    for folder in ["", "modules"] {
        for entry in std::fs::read_dir(infra.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| {
                ["bicep", "bicepparam", "json"].iter().any(|wanted| kind == *wanted)
            }) {
                let name = path.strip_prefix(&infra).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn the_deployment_keeps_its_promises() {
    let found = findings(&sources());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_check_refuses_what_it_is_for() {
    for &(file, before, after, finding) in mutations::ALL {
        let mut sources = sources();
        let text = sources.get_mut(file).unwrap();
        assert!(text.contains(before), "{file} no longer says {before}");
        *text = text.replacen(before, after, 1);
        let found = findings(&sources);
        assert!(
            found.iter().any(|line| line.contains(finding)),
            "{before} -> {after}: {finding} was not found, but {found:?}"
        );
    }
}

#[test]
fn functions_are_called_what_their_folders_are_called() {
    let functions = root().join("functions");
    for name in expectations::FUNCTIONS {
        assert!(
            functions.join(name).join("function.json").is_file(),
            "alerts and instances speak of {name}, and functions/ has no such folder"
        );
    }
}

/// The alert on watches finds the line that the program writes.
#[test]
fn the_alert_on_watches_looks_for_the_words_of_the_program() {
    let words = "watch near its end";
    assert!(sources()["modules/alerts.bicep"].contains(&format!("Message has \"{words}\"")));
    let program =
        std::fs::read_to_string(root().join("handler/jobs/src/watches/renew.rs")).unwrap();
    assert!(program.contains(&format!("\"{words}: ")), "the program does not say so any more");
}

/// Every queue that a function listens to is made by the deployment, which gives the app no right
/// to make one.
#[test]
fn every_queue_that_is_listened_to_is_deployed() {
    let storage = &sources()["modules/storage.bicep"];
    for name in expectations::FUNCTIONS {
        let json =
            std::fs::read_to_string(root().join("functions").join(name).join("function.json"))
                .unwrap();
        let function: serde_json::Value = serde_json::from_str(&json).unwrap();
        let queues = function["bindings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|binding| binding["queueName"].as_str());
        for queue in queues {
            assert!(
                storage.contains(&format!("'{queue}'")),
                "{name} listens to {queue}, and modules/storage.bicep makes no such queue"
            );
        }
    }
}

/// What the README says it costs is what the script computes.
#[test]
fn costs_are_computed() {
    let script = root().join("infra/costs.py");
    let run = Command::new("python3").arg(script).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let table = String::from_utf8(run.stdout).unwrap();
    let readme = std::fs::read_to_string(root().join("infra/README.md")).unwrap();
    assert!(
        table.lines().count() > 5 && readme.contains(&table),
        "infra/README.md does not carry what infra/costs.py prints:\n{table}"
    );
}
