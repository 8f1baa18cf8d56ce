//! Owns a running nginx, which asks what is measured before it answers with nothing. Does not measure.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{Result, cpu};

/// Ends with this value.
pub struct Nginx {
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Spawns it, as one process, before the edge at that port.
    pub fn start(edge: u16) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, configuration(port, edge))?;
        let program = std::env::var("NGINX").unwrap_or_else(|_| "nginx".to_owned());
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let child = Command::new(&program)
            .env("PATH", path)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("{program} can't be run ({error}): install nginx, or say where it is with NGINX")
            })?;
        Ok(Self { port, child, _folder: folder })
    }

    /// The time that processors have spent on it so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu::seconds_of(self.child.id())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is asked by `location = /ask/...` is asked as config/proxies/nginx.conf asks.
fn configuration(port: u16, edge: u16) -> String {
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {what};"));
    let ask = |name: &str, path: &str| {
        format!(
            "location = /ask/{name} {{ internal; proxy_pass http://edge{path}; proxy_pass_request_body off; \
             proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Content-Length \"\"; \
             proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $http_host; \
             proxy_set_header X-Forwarded-Method $request_method; proxy_set_header X-Forwarded-Uri $request_uri; \
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} \
             location /{name}/ {{ auth_request /ask/{name}; empty_gif; }}\n"
        )
    };
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr warn;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; {}\n\
         keepalive_requests 1000000;\n\
         upstream edge {{ server 127.0.0.1:{edge}; keepalive 64; keepalive_requests 1000000; }}\n\
         server {{ listen 127.0.0.1:{port};\n\
         location /none/ {{ empty_gif; }}\n\
         {}{} }} }}\n",
        temporary.join(" "),
        ask("empty", "/empty"),
        ask("edge", "/auth/verify?answer=status"),
    )
}
