//! `infra/deploy.sh` lends the app the right to write its package for the time of a deployment, and
//! withdraws it even if the deployment fails.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const WRITER: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";

/// An Azure CLI with one deployment: it notes what it is asked, keeps the rights that are given in
/// a file, and fails as often as its settings say.
const AZ: &str = r#"#!/bin/bash
cd "$(dirname "$0")"
echo "$*" >>asked
case "$*" in
"deployment group show"*outputs.appName*) echo calrelay-app ;;
"deployment group show"*outputs.principalId*) echo the-app ;;
"deployment group show"*outputs.packageContainerId*) echo /the/container ;;
"role assignment create"*) echo /right/1 >>rights ;;
"role assignment list"*) cat rights ;;
"role assignment delete --ids"*) [ ! -e stuck ] && : >rights ;;
"functionapp deployment source config-zip"*)
    [ -s rights ] || { echo "deployed without a right" >>asked; exit 1; }
    [ -s answers ] || exit 0
    head -n 1 answers >&2
    sed -i 1d answers
    exit 1
    ;;
*) echo "not expected" >>asked; exit 1 ;;
esac
"#;

struct Azure(TempDir);

impl Azure {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for (name, text) in
            [("az", AZ), ("sleep", "#!/bin/sh\necho sleep >>\"$(dirname \"$0\")/asked\"\n")]
        {
            std::fs::write(dir.path().join(name), text).unwrap();
            std::fs::set_permissions(dir.path().join(name), std::fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        for name in ["asked", "rights", "answers", "calrelay.zip"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn deploy(&self, arguments: &[&Path]) -> Output {
        let shell = ["-c", r#"PATH="$0:$PATH" exec bash "$@""#];
        Command::new("bash")
            .args(shell)
            .arg(self.0.path())
            .arg(super::root().join("infra/deploy.sh"))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn run(&self) -> (Option<i32>, String) {
        let run = self.deploy(&[Path::new("calrelay"), &self.path("calrelay.zip")]);
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    }

    /// What was asked for, without the questions that change nothing.
    fn done(&self) -> Vec<String> {
        let asked = self.read("asked");
        let verbs =
            asked.lines().filter(|line| !line.contains(" show ") && !line.contains(" list "));
        verbs.map(|line| line.split(" --").next().unwrap().to_owned()).collect()
    }
}

const LEND: &str = "role assignment create";
const DEPLOY: &str = "functionapp deployment source config-zip";
const TAKE_BACK: &str = "role assignment delete";

#[test]
fn the_right_to_write_the_package_is_lent_for_a_deployment() {
    let azure = Azure::new();
    let (status, said) = azure.run();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(azure.done(), [LEND, DEPLOY, TAKE_BACK]);
    assert_eq!(azure.read("rights"), "");
    let asked = azure.read("asked");
    let lent = asked.lines().find(|line| line.starts_with(LEND)).unwrap();
    assert!(
        lent.contains(&format!("--role {WRITER} --scope /the/container"))
            && lent.contains("--assignee-object-id the-app"),
        "{lent}"
    );
    // Only the rights of this app, only that role.
    assert!(
        asked.contains(&format!(
            "[?principalId=='the-app' && ends_with(roleDefinitionId, '{WRITER}')].id"
        )),
        "{asked}"
    );
}

#[test]
fn a_right_that_is_not_in_force_yet_is_waited_for() {
    let azure = Azure::new();
    std::fs::write(
        azure.path("answers"),
        "BlobUploadFailedException: Forbidden\nResponse status code: 403\n",
    )
    .unwrap();
    let (status, said) = azure.run();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(azure.done(), [LEND, DEPLOY, "sleep", DEPLOY, "sleep", DEPLOY, TAKE_BACK]);
}

#[test]
fn a_deployment_that_fails_leaves_no_right_behind() {
    for (answers, deployments) in
        [("the zip is broken\n".to_owned(), 1), ("Forbidden\n".repeat(40), 20)]
    {
        let azure = Azure::new();
        // What a run left that was killed.
        std::fs::write(azure.path("rights"), "/right/0\n").unwrap();
        std::fs::write(azure.path("answers"), answers).unwrap();
        let (status, said) = azure.run();
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("The package was not deployed"), "{said}");
        let done = azure.done();
        assert_eq!(done.iter().filter(|verb| *verb == DEPLOY).count(), deployments);
        assert_eq!(done.last().map(String::as_str), Some(TAKE_BACK));
        assert_eq!(azure.read("rights"), "");
    }
}

#[test]
fn a_right_that_could_not_be_taken_back_is_a_failure() {
    let azure = Azure::new();
    std::fs::write(azure.path("stuck"), "").unwrap();
    let (status, said) = azure.run();
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("MAY STILL WRITE ITS OWN PACKAGE") && said.contains("/the/container"),
        "{said}"
    );
}

#[test]
fn nothing_is_lent_for_a_package_that_is_not_there() {
    let azure = Azure::new();
    for arguments in [&[][..], &[Path::new("a"), Path::new("b"), Path::new("c")]] {
        assert_eq!(azure.deploy(arguments).status.code(), Some(2));
    }
    assert_eq!(
        azure.deploy(&[Path::new("calrelay"), &azure.path("none.zip")]).status.code(),
        Some(1)
    );
    assert_eq!(azure.read("asked"), "");
}
