//! Owns a `gatelodge serve` in a process of its own, with its edge, whose files a test changes; and browsers that ask it.
//! Does not know what is tested.

use std::fs;
use std::path::{Path, PathBuf};

use gatelodge::app::world::SystemClock;
use gatelodge::authority::ports::Clock as _;
use reqwest::{Client, Response, redirect};

use crate::hostile::{CLIENT_ID, CLIENT_SECRET, Hostile};
use crate::redis::free_port;
use crate::world::Browser;
use crate::world::process::{Process, SECRETS, until};

/// A running authority.
pub struct Served {
    pub process: Process,
    edge: u16,
    pub grpc: u16,
    client: Client,
}

/// A provider whose clock is this machine's, as a process needs it.
pub async fn hostile() -> Hostile {
    let hostile = Hostile::start().await;
    hostile.take_for_now(SystemClock.now().as_secs());
    hostile
}

/// A provider's lines for the configuration.
pub fn provider(name: &str, hostile: &Hostile) -> String {
    let issuer = hostile.issuer();
    format!("{name}: {{ issuer: '{issuer}', client_id: {CLIENT_ID}, client_secret: '{CLIENT_SECRET}' }}")
}

impl Served {
    /// With `more` configuration, which begins on line 4.
    pub async fn with(more: &str, base_port: Option<u16>) -> Self {
        Self::with_file(more, base_port, "none", "").await
    }

    /// The same, with a file beside its configuration.
    pub async fn with_file(more: &str, base_port: Option<u16>, name: &str, text: &str) -> Self {
        let (folder, edge, grpc) = (tempfile::tempdir().unwrap(), free_port(), free_port());
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        let base = base_port.unwrap_or(edge);
        let own = format!(
            "development: true\n\
             server: {{ listen: '127.0.0.1:{grpc}' }}\n\
             edge: {{ enabled: true, listen: '127.0.0.1:{edge}' }}\n"
        );
        fs::write(folder.path().join("own"), own).unwrap();
        fs::write(folder.path().join("base"), base.to_string()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        write(folder.path(), more);
        let served = Self { process: Process::in_folder(folder), edge, grpc, client };
        until("serving", async || !served.lines("the authority listens").is_empty()).await;
        // Its edge asks what it is to serve first.
        until("an edge that serves", async || served.me(&Browser::default()).await != 503).await;
        served
    }

    /// Puts other configuration into its file.
    pub fn write(&self, more: &str) {
        write(self.process.folder.path(), more);
    }

    /// Where it is asked over gRPC.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.process.path(name)
    }

    /// Runs a verb of the command line in its folder, which may ask it with this API key: exit code, standard output, standard
    /// error.
    pub async fn verb(&self, key: &str, words: &[&str]) -> (i32, String, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gatelodge"));
        command.env_clear().envs(SECRETS).current_dir(self.process.folder.path());
        command.env("GATELODGE_ADDRESS", self.address()).env("GATELODGE_API_KEY", key);
        let done = command.args(words).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    /// Ends the process at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to read its configuration again.
    pub fn hang_up(&self) {
        self.process.signal("HUP");
    }

    /// The lines of the log that say this.
    pub fn lines(&self, what: &str) -> Vec<String> {
        self.process.lines(what)
    }

    /// Waits until the log says this so many times.
    pub async fn says(&self, what: &str, times: usize) {
        until(what, async || self.lines(what).len() >= times).await;
    }

    pub async fn get(&self, browser: &Browser, target: &str) -> Response {
        let cookies: Vec<_> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.get(format!("http://127.0.0.1:{}{target}", self.edge));
        let request = request.header("user-agent", "Browser/1").header("cookie", cookies.join("; "));
        request.send().await.unwrap()
    }

    /// The status with which a page's question who is logged in is answered.
    pub async fn me(&self, browser: &Browser) -> u16 {
        self.get(browser, "/auth/me").await.status().as_u16()
    }

    /// Begins a login: the status, and where the browser is sent.
    pub async fn begin(&self, browser: &mut Browser, name: &str) -> (u16, String) {
        let answer = self.get(browser, &format!("/auth/web/login?provider={name}")).await;
        browser.keep(&set_cookies(&answer));
        (answer.status().as_u16(), location(&answer))
    }

    /// A whole login.
    pub async fn log_in(&self, name: &str, hostile: &Hostile) -> Browser {
        self.log_in_bringing(name, hostile, str::to_owned).await
    }

    /// The same, where the provider sends the browser back with another query than ours would.
    pub async fn log_in_bringing(&self, name: &str, hostile: &Hostile, bring: impl Fn(&str) -> String) -> Browser {
        let mut browser = Browser::default();
        let (status, to) = self.begin(&mut browser, name).await;
        assert_eq!(status, 302, "{to}");
        let back = hostile.visit(&to).unwrap();
        let answer = self.get(&browser, &format!("{}?{}", back.path(), bring(back.query().unwrap()))).await;
        browser.keep(&set_cookies(&answer));
        assert!(browser.cookie("session").is_some(), "{answer:?}");
        browser
    }
}

fn write(folder: &Path, more: &str) {
    let part = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let base = format!("http://127.0.0.1:{}", part("base"));
    // As an editor does: another file takes its place.
    fs::write(folder.join("next"), format!("{}{}", part("own"), more.replace("BASE", &base))).unwrap();
    fs::rename(folder.join("next"), folder.join("gatelodge.yaml")).unwrap();
}

fn set_cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn location(answer: &Response) -> String {
    answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
