//! What a process costs, from what the kernel keeps of it.

use std::time::Duration;

use anyhow::Context as _;

/// The kernel counts processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Memory in use, in MB.
pub fn memory(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .context("the kernel tells no memory")?;
    Ok(kilobytes.parse::<f64>()? / 1_024.0)
}

/// Processor time used so far, by all threads together.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("the kernel tells no time")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().context("the kernel tells no time");
    let (user, system): (u32, u32) = (ticks()?.parse()?, ticks()?.parse()?);
    Ok(TICK * (user + system))
}
