//! Owns the CPU time of a process, as the system counts it. Does not know what the process does.

use crate::Result;

/// User and system time that a process has had so far, in seconds (proc(5), `stat`: fields 14 and 15).
pub fn seconds_of(process: u32) -> Result<f64> {
    // 100 on every Linux that Rust runs on: USER_HZ is part of its interface.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, after_name) = stat.rsplit_once(") ").ok_or("an unknown form of /proc/PID/stat")?;
    let ticks = after_name.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<std::result::Result<f64, _>>();
    Ok(ticks? / TICKS_PER_SECOND)
}
