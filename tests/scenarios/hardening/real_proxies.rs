//! Real proxies on the same machine, in common configurations: a stranger's request through a proxy
//! is not the operator's.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use simulators::caldav::Manners;
use simulators::client::Client;
use simulators::port::Port;
use tokio::process::{Child, Command};
use url::Url;

use crate::support::builder::Builder;
use crate::support::cli::Cli;
use crate::support::running::Running;

/// `tests/setup/proxies.sh` ends with this where there is no proxy to be had.
const NONE: i32 = 3;

/// nginx and Caddy; `None` where they cannot be had, which is said.
async fn programs() -> anyhow::Result<Option<[PathBuf; 2]>> {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/proxies.sh");
    let output = Command::new(setup).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await?;
    if output.status.code() == Some(NONE) {
        eprintln!("NOT CHECKED: there is no nginx and no Caddy for this machine");
        return Ok(None);
    }
    ensure!(output.status.success(), "tests/setup/proxies.sh failed");
    let lines: Vec<PathBuf> =
        String::from_utf8(output.stdout)?.lines().map(PathBuf::from).collect();
    Ok(Some(lines.try_into().ok().context("two paths")?))
}

/// A proxy in front of a service, and a directory for its files.
struct Front {
    _child: Child,
    _dir: tempfile::TempDir,
    _port: Port,
    url: Url,
}

impl Front {
    async fn start(
        command: &mut Command,
        dir: tempfile::TempDir,
        port: Port,
    ) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let number = port.number();
        let url = Url::parse(&format!("http://127.0.0.1:{number}/"))?;
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", number)).await.is_ok() {
                return Ok(Self { _child: child, _dir: dir, _port: port, url });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let said = child
            .wait_with_output()
            .await
            .map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        bail!("the proxy does not listen: {said:?}")
    }

    /// nginx with these lines in its `location`.
    async fn nginx(program: &Path, to: &Url, lines: &str) -> anyhow::Result<Self> {
        let (dir, port) = (tempfile::tempdir()?, Port::take()?);
        let (at, number) = (dir.path().display(), port.number());
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .concat();
        let to = to.as_str().trim_end_matches('/');
        let text = format!(
            "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log stderr;\nevents \
            {{}}\nhttp {{\naccess_log off;\n{temp}\
             server {{\nlisten 127.0.0.1:{number};\nlocation / {{\nproxy_pass \
             {to};\n{lines}\n}}\n}}\n}}\n"
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, text)?;
        let mut command = Command::new(program);
        command.arg("-p").arg(dir.path()).arg("-e").arg("stderr").arg("-c").arg(&file);
        Self::start(&mut command, dir, port).await
    }

    async fn caddy(program: &Path, to: &Url, lines: &str) -> anyhow::Result<Self> {
        let (dir, port) = (tempfile::tempdir()?, Port::take()?);
        let (to, number) = (to.authority(), port.number());
        let text = format!(
            "{{\nadmin off\nauto_https off\n}}\nhttp://:{number} {{\nbind \
            127.0.0.1\nreverse_proxy {to} {{\n{lines}\n}}\n}}\n"
        );
        let file = dir.path().join("Caddyfile");
        std::fs::write(&file, text)?;
        let mut command = Command::new(program);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("HOME", dir.path())
            .env("XDG_DATA_HOME", dir.path());
        Self::start(&mut command, dir, port).await
    }

    async fn status(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<u16> {
        Ok(Client::new(&self.url).send(method, path, headers, "").await?.status)
    }

    /// The request under another of the machine's own names.
    fn by_name(&self, name: &str) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        url.set_host(Some(name))?;
        Ok(url)
    }
}

/// A client behind it sees whether the service is well, and nothing that is the operator's.
async fn is_no_operator(front: &Front, what: &str) -> anyhow::Result<()> {
    assert_eq!(front.status("GET", "/health", &[]).await?, 200, "{what}");
    assert_eq!(front.status("POST", "/webhooks/google", &[]).await?, 200, "{what}");
    for path in ["/health/detail", "/health?detail", "/oauth/google/start"] {
        assert_eq!(front.status("GET", path, &[]).await?, 403, "{what}: {path}");
        let by_name = Client::new(&front.by_name("localhost")?).send("GET", path, &[], "").await?;
        assert_eq!(by_name.status, 403, "{what}: {path} by another name");
    }
    Ok(())
}

/// The usual lines, and what a careful operator writes: those of `handler/operating.md`.
const USUAL: &str = "proxy_http_version 1.1;\nproxy_set_header Host $host;\nproxy_set_header \
X-Forwarded-For $remote_addr;\n\
                     proxy_set_header X-Forwarded-Proto $scheme;";
/// HTTP/1.1 without any header about the sender: only the public address distinguishes such a
/// request from one of the machine's own user.
const SILENT: &str = "proxy_http_version 1.1;\nproxy_set_header Connection \"\";";

#[tokio::test]
async fn through_a_real_proxy_nobody_is_the_operator() -> anyhow::Result<()> {
    let Some([nginx, caddy]) = programs().await? else { return Ok(()) };
    let google = simulators::google::Server::start().await?;
    for public in [None, Some("https://calendars.example.org")] {
        let cli =
            google.settings().iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
        let cli = public.into_iter().fold(cli, |cli, url| cli.with("CALRELAY_PUBLIC_URL", url));
        let env = Builder::caldav(Manners::generic()).build_cli_with(cli).await?;
        let running = Running::start(&env.cli).await?;
        is_no_operator(&Front::nginx(&nginx, &running.url, "").await?, "nginx as it comes").await?;
        is_no_operator(&Front::nginx(&nginx, &running.url, USUAL).await?, "nginx as it should be")
            .await?;
        let plain = Front::caddy(&caddy, &running.url, "").await?;
        is_no_operator(&plain, "Caddy as it comes").await?;
        let host = format!("header_up Host {}", running.url.authority());
        is_no_operator(&Front::caddy(&caddy, &running.url, &host).await?, "Caddy that names us")
            .await?;
        if public.is_some() {
            is_no_operator(
                &Front::nginx(&nginx, &running.url, SILENT).await?,
                "nginx that says nothing",
            )
            .await?;
        }
        let token = std::fs::read_to_string(env.cli.data_dir().join("operator.token"))?;
        let bearer = format!("Bearer {}", token.trim());
        assert_eq!(
            plain.status("GET", "/health/detail", &[("authorization", &bearer)]).await?,
            200,
            "the token identifies the operator"
        );
        assert_eq!(running.terminate().await?, 0);
    }
    Ok(())
}
