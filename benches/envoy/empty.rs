//! Owns what ours is compared with: a server in a process of its own that reads what a proxy asks and always says yes.
//! Does not know what it is asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use gatelodge::rpc::envoy::v3::authorization_server::{Authorization, AuthorizationServer};
use gatelodge::rpc::envoy::v3::check_response::{HttpResponse, Status};
use gatelodge::rpc::envoy::v3::{CheckRequest, CheckResponse, OkHttpResponse};
use gatelodge::rpc::server::ServerSettings;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, async_trait};

use crate::{Result, cpu};

/// The flag that makes this binary that server.
pub const SERVE: &str = "--serve";

/// It ends when its standard input does, so it never outlives the generator.
pub struct Empty {
    pub address: String,
    child: Child,
    input: Option<ChildStdin>,
}

impl Empty {
    /// Starts it and waits until it listens.
    pub fn start() -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("a server without standard output")?);
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self { address: address.trim().to_owned(), child, input })
    }

    /// The time that processors have spent on it so far, in seconds.
    pub fn cpu_seconds(&self) -> Result<f64> {
        cpu::seconds_of(self.child.id())
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        drop(self.input.take());
        // It has ended already, or it ends now; there is nobody to tell that it did not.
        let _ = self.child.wait();
    }
}

/// Is that server until standard input ends, with the settings of ours.
pub fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
        let (stopping, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            std::io::stdin().lines().for_each(drop);
            drop(stopping);
        });
        let settings = ServerSettings::default();
        let server = Server::builder()
            .tcp_nodelay(true)
            .max_connection_age(settings.max_connection_age)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_max_header_list_size(Some(16 * 1024))
            .add_service(AuthorizationServer::new(Yes).max_decoding_message_size(settings.max_message_bytes));
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(server.serve_with_incoming_shutdown(incoming, async move { drop(stopped.await) }).await?)
    })
}

struct Yes;

#[async_trait]
impl Authorization for Yes {
    async fn check(&self, _: Request<CheckRequest>) -> std::result::Result<Response<CheckResponse>, tonic::Status> {
        Ok(Response::new(CheckResponse {
            status: Some(Status { code: 0 }),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            dynamic_metadata: None,
        }))
    }
}
