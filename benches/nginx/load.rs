//! Owns the load: requests over connections that stay open, one after the other on each. Does not know who answers.

use std::time::Duration;

use gatelodge_client::v1;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{Figures, Result};

/// Waits until a request of each kind passes: nginx listens, and the edge answers.
pub async fn until_all_pass(port: u16, cookies: &[v1::Cookie], paths: &[(&str, &str)], end: Instant) -> Result<()> {
    for (name, path) in paths {
        let request = request(path, cookies);
        while let Err(error) = once(port, &request).await {
            if Instant::now() > end {
                return Err(format!("{name}: {error}").into());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn once(port: u16, request: &[u8]) -> Result<()> {
    Connection::open(port).await?.ask(request).await
}

/// Keeps so many requests under way for `length`.
#[expect(clippy::cast_precision_loss, reason = "there are few")]
pub async fn round(
    port: u16,
    path: &str,
    cookies: &[v1::Cookie],
    in_flight: usize,
    length: Duration,
    spent: impl Fn() -> Result<[f64; 3]>,
) -> Result<Figures> {
    let request = request(path, cookies);
    let mut connections = Vec::new();
    for _ in 0..in_flight {
        connections.push(Connection::open(port).await?);
    }
    let (before, begun) = (spent()?, Instant::now());
    let mut asking = JoinSet::new();
    for mut connection in connections {
        let request = request.clone();
        asking.spawn(async move {
            let mut asked = 0_usize;
            while begun.elapsed() < length {
                connection.ask(&request).await?;
                asked += 1;
            }
            Result::Ok(asked)
        });
    }
    let mut asked = 0;
    while let Some(done) = asking.join_next().await {
        asked += done??;
    }
    let (took, after) = (begun.elapsed().as_secs_f64(), spent()?);
    let each = |seconds: f64| seconds * 1e6 / asked as f64;
    let cpu = std::array::from_fn(|at| match (after.get(at), before.get(at)) {
        (Some(after), Some(before)) => each(after - before),
        _ => 0.0,
    });
    Ok(Figures { per_second: asked as f64 / took, waited: each(took * in_flight as f64), cpu })
}

fn request(path: &str, cookies: &[v1::Cookie]) -> Vec<u8> {
    let pair = |cookie: &v1::Cookie| [cookie.name.as_bytes(), b"=", &cookie.value].concat();
    let head = format!(
        "GET {path}orders/2025?page=2 HTTP/1.1\r\nHost: localhost:8000\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
         Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nCookie: "
    );
    [head.as_bytes(), &cookies.iter().map(pair).collect::<Vec<_>>().join(&b"; "[..]), b"\r\n\r\n"].concat()
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: vec![0; 4096] })
    }

    /// Asks once; an answer that is no 200 is an error.
    async fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        let mut held = 0;
        loop {
            let room = self.read.get_mut(held..).filter(|room| !room.is_empty()).ok_or("an answer without an end")?;
            let came = self.stream.read(room).await?;
            if came == 0 {
                return Err("nginx closed the connection".into());
            }
            held += came;
            let answer = self.read.get(..held).unwrap_or_default();
            if let Some(whole) = length_of(answer) {
                if !answer.starts_with(b"HTTP/1.1 200 ") {
                    return Err(String::from_utf8_lossy(answer).into_owned().into());
                }
                if held >= whole {
                    return Ok(());
                }
            }
        }
    }
}

/// How long an answer is, once its head has come.
fn length_of(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(answer.get(..head)?).ok()?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some(head + length.trim().parse::<usize>().ok()?)
}
