//! Owns what is printed: the table for people, the JSON object for programs as the last line. Does not measure.

use std::io::{self, Write as _};

use serde_json::{Map, Value, json};

use crate::Result;
use crate::forged::Forged;
use crate::load::Way;
use crate::memory::Bytes;
use crate::protocol::Kind;
use crate::rounds::{DEMANDING, IN_FLIGHT, Measured, PAIRS, STREAMS};
use crate::spread::{Spread, rounded};

/// One server at one number in flight: its rate, and what a call costs it.
struct Row {
    rate: Spread,
    cpu_us: f64,
}

fn row(measured: &[&Measured], kind: Kind, in_flight: usize) -> Row {
    let own: Vec<_> = measured.iter().filter(|one| one.kind == kind && one.in_flight == in_flight).collect();
    let (cpu, calls) = own.iter().fold((0.0, 0.0), |(cpu, calls), one| (cpu + one.cpu, calls + one.round.calls));
    // A round is a few hundred ticks of the processors' accounting: only their sum is exact enough to divide.
    Row { rate: Spread::of(own.iter().map(|one| one.round.per_second).collect()), cpu_us: cpu / calls * 1e6 }
}

/// The ratio of two servers' rates, round by round.
fn ratio(measured: &[&Measured], pair: (Kind, Kind), in_flight: usize) -> Spread {
    let of = |kind, number| {
        let found = measured.iter().find(|m| m.kind == kind && m.in_flight == in_flight && m.number == number);
        found.map(|one| one.round.per_second)
    };
    let ours = measured.iter().filter(|one| one.kind == pair.0 && one.in_flight == in_flight);
    Spread::of(ours.filter_map(|one| Some(one.round.per_second / of(pair.1, one.number)?)).collect())
}

/// Prints everything.
pub fn print(measured: &[Measured], bytes: &Bytes, forged: &Forged) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut object = Map::new();
    writeln!(
        out,
        "ValidateSession, calls a second: median (least to most); CPU of the server's process for each call"
    )?;
    table(&mut out, &mut object, measured, Way::Call, &PAIRS)?;
    demanding(&mut out, &mut object, measured)?;
    writeln!(out, "CheckSessions, the same checks on one stream")?;
    table(&mut out, &mut object, measured, Way::Stream, &STREAMS)?;
    writeln!(out, "forged credentials: {} calls, {} of them reached the store", forged.calls, forged.store_calls)?;
    let Bytes { sessions, session, with_tokens } = bytes;
    writeln!(out, "Redis: {session:.0} bytes a session among {sessions}, {with_tokens:.0} with three JWTs")?;
    object.insert("forged_calls".to_owned(), json!(forged.calls));
    object.insert("forged_store_calls".to_owned(), json!(forged.store_calls));
    object.insert("bytes_per_session_redis".to_owned(), rounded(*session, 0));
    object.insert("bytes_per_session_with_tokens_redis".to_owned(), rounded(*with_tokens, 0));
    writeln!(out, "{}", Value::Object(object))?;
    Ok(())
}

fn table(
    out: &mut impl io::Write,
    object: &mut Map<String, Value>,
    measured: &[Measured],
    way: Way,
    pairs: &[(Kind, Kind)],
) -> Result<()> {
    let measured: Vec<_> = measured.iter().filter(|one| one.way == way).collect();
    let checks = if way == Way::Stream { "checks_" } else { "" };
    writeln!(out, "{:>9}  {:<11} {:>26} {:>11}   ratio of rates", "in flight", "server", "calls/s", "CPU us/call")?;
    for in_flight in IN_FLIGHT {
        for &(ours, theirs) in pairs {
            let (own, other) = (row(&measured, ours, in_flight), row(&measured, theirs, in_flight));
            let ratio = ratio(&measured, (ours, theirs), in_flight);
            let spread = |Spread { median, least, most }| format!("{median:.0} ({least:.0} to {most:.0})");
            let cells = |row: &Row| format!("{:>26} {:>11.1}", spread(row.rate), row.cpu_us);
            let ratios = format!("{:.3} ({:.3} to {:.3})", ratio.median, ratio.least, ratio.most);
            writeln!(out, "{in_flight:>9}  {:<11} {}   {ratios}", ours.name(), cells(&own))?;
            writeln!(out, "{in_flight:>9}  {:<11} {}", theirs.name(), cells(&other))?;
            let (name, other_name) = (key(ours), key(theirs));
            object.insert(format!("ratio_{checks}{name}_{in_flight}"), rounded(ratio.median, 3));
            object.insert(format!("cpu_ratio_{checks}{name}_{in_flight}"), rounded(other.cpu_us / own.cpu_us, 3));
            for (name, row) in [(name, &own), (other_name, &other)] {
                object.insert(format!("rate_{checks}{name}_{in_flight}"), rounded(row.rate.median, 0));
                object.insert(format!("cpu_us_{checks}{name}_{in_flight}"), rounded(row.cpu_us, 2));
            }
        }
    }
    Ok(())
}

/// Calls that ask for all there is, at a server with two tenants that compares fingerprints, networks included, beside
/// plain calls at one that has one tenant and compares none.
fn demanding(out: &mut impl io::Write, object: &mut Map<String, Value>, measured: &[Measured]) -> Result<()> {
    let all = "CSRF token, origin, fingerprint with network, two tenants, every requirement";
    writeln!(out, "the same with {all}: rate beside the plain one")?;
    for in_flight in IN_FLIGHT {
        for kind in DEMANDING {
            let rate = |way, number| {
                let mut own = measured.iter().filter(|one| one.kind == kind && one.in_flight == in_flight);
                own.find(|one| one.way == way && one.number == number).map(|one| one.round.per_second)
            };
            let ratios = measured.iter().filter(|one| one.kind == kind && one.in_flight == in_flight);
            let ratios = ratios.filter(|one| one.way == Way::Demanding);
            let ratios = ratios.filter_map(|one| Some(one.round.per_second / rate(Way::Call, one.number)?));
            let Spread { median, least, most } = Spread::of(ratios.collect());
            writeln!(out, "{in_flight:>9}  {:<10} {median:.3} ({least:.3} to {most:.3})", kind.name())?;
            object.insert(format!("ratio_demanding_{}_{in_flight}", key(kind)), rounded(median, 3));
        }
    }
    Ok(())
}

const fn key(kind: Kind) -> &'static str {
    match kind {
        Kind::Embedded => "embedded",
        Kind::Counted => "counted",
        Kind::Redis => "redis",
        Kind::Near => "near",
        Kind::NearSeen => "near_seen",
        Kind::RedisSeen => "redis_seen",
        Kind::Echo => "echo",
        Kind::EchoGet => "echo_get",
    }
}
