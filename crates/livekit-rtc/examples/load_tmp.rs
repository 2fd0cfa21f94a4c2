use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use livekit_api::access_token::{AccessToken, VideoGrants};
use livekit_rtc::*;

#[derive(Default)]
struct Stats { decoded: u64, concealed: u64, silent: u64, gaps: Vec<u64>, last: Option<Instant>, onset: Option<Instant>, lat: Vec<f64> }
struct H { n: u64, speak: bool, stats: Arc<Mutex<Stats>>, other: Arc<Mutex<Option<Instant>>>, mine: Arc<Mutex<Option<Instant>>>, loud: bool }
impl AudioHandler for H {
    fn received(&mut self, f: Received<'_>) {
        let mut s = self.stats.lock().unwrap();
        match f.content { Content::Decoded => s.decoded += 1, Content::Concealed => s.concealed += 1, Content::Silent => s.silent += 1 }
        if let Some(l) = s.last { let g = f.now.duration_since(l).as_millis() as u64; s.gaps.push(g); }
        s.last = Some(f.now);
        let loud = f.samples.iter().any(|x| x.unsigned_abs() > 2000);
        if loud && !self.loud { if let Some(t) = self.other.lock().unwrap().take() { s.lat.push(t.elapsed().as_secs_f64() * 1e3); } }
        self.loud = loud;
    }
    fn playout(&mut self, now: Instant, frame: &mut Frame) -> Playout {
        self.n += 1;
        if !self.speak { return Playout::Silence; }
        // 2 s on, 1 s off
        let p = self.n % 300;
        if p >= 200 { return Playout::Silence; }
        if p == 0 { *self.mine.lock().unwrap() = Some(now); }
        for (i, s) in frame.iter_mut().enumerate() {
            let t = (self.n * 240 + i as u64) as f64 / 24000.0;
            let f0 = 140.0 + 40.0 * (t * 3.0).sin();
            *s = ((1..8).map(|k| (t * f0 * std::f64::consts::TAU * k as f64).sin() / k as f64).sum::<f64>() * 5000.0) as i16;
        }
        Playout::Frame
    }
}
fn cpu() -> HashMap<String, f64> {
    let mut m = HashMap::new();
    for e in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let s = std::fs::read_to_string(e.path().join("stat")).unwrap_or_default();
        let Some((a, b)) = s.rsplit_once(')') else { continue };
        let name = a.split_once('(').unwrap().1.to_owned();
        let f: Vec<&str> = b.split_whitespace().collect();
        *m.entry(name).or_default() += (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0;
    }
    m
}
fn rss() -> f64 { std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l| l.starts_with("VmRSS")).unwrap().split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0 }
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let a: Vec<String> = std::env::args().collect();
    let (url, key, secret, n, secs) = (&a[1], &a[2], &a[3], a[4].parse::<usize>()?, a[5].parse::<u64>()?);
    let tok = |room: String, id: &str| AccessToken::with_api_key(key, secret).with_identity(id).with_grants(VideoGrants { room_join: true, room, ..Default::default() }).to_jwt().unwrap();
    let agents = Shard::spawn(ShardConfig { name: "agents".into(), ..Default::default() })?;
    let users = Shard::spawn(ShardConfig { name: "users".into(), ..Default::default() })?;
    let stats = Arc::new(Mutex::new(Stats::default()));
    let (mut keep, mut all) = (Vec::new(), Vec::new());
    let r0 = rss();
    let mut joins = Vec::new();
    for i in 0..n {
        let (x, y) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        for (shard, id, mine, other) in [(&users, "user", &x, &y), (&agents, "agent", &y, &x)] {
            let s = Arc::new(Mutex::new(Stats::default()));
            if id == "agent" { all.push(s.clone()); }
            let h = H { n: (i * 37) as u64, speak: true, stats: s, other: other.clone(), mine: mine.clone(), loud: false };
            let t = Instant::now();
            let mut o = JoinOptions::new(url, tok(format!("room{i}"), id).into()).publishing(TrackOptions::speech("v"));
            o.timeout = Duration::from_secs(20);
            keep.push(shard.join(o, Box::new(h)).await?);
            joins.push(t.elapsed().as_millis());
        }
    }
    joins.sort();
    println!("joined {n} rooms, join ms median {} max {}, rss {:.1} MB ({:.2} a participant)", joins[joins.len()/2], joins.last().unwrap(), rss(), (rss() - r0) / (2 * n) as f64);
    tokio::time::sleep(Duration::from_secs(3)).await;
    for s in &all { *s.lock().unwrap() = Stats::default(); }
    let c0 = cpu(); let t0 = Instant::now();
    tokio::time::sleep(Duration::from_secs(secs)).await;
    let c1 = cpu(); let el = t0.elapsed().as_secs_f64();
    for name in ["agents", "users"] { println!("{name}: {:.4} core, {:.4} a participant", (c1[name] - c0[name]) / el, (c1[name] - c0[name]) / el / n as f64); }
    let mut t = stats.lock().unwrap();
    for s in &all { let s = s.lock().unwrap(); t.decoded += s.decoded; t.concealed += s.concealed; t.silent += s.silent; t.gaps.extend(&s.gaps); t.lat.extend(&s.lat); }
    t.gaps.sort(); t.lat.sort_by(f64::total_cmp);
    println!("frames decoded {} concealed {} silent {} of {:.0}; gap p99 {} max {}; onset ms n {} min {:.1} median {:.1} p95 {:.1} max {:.1}; rss {:.1}", t.decoded, t.concealed, t.silent, el * 100.0 * n as f64, t.gaps[t.gaps.len() * 99 / 100], t.gaps.last().unwrap(), t.lat.len(), t.lat[0], t.lat[t.lat.len()/2], t.lat[t.lat.len()*95/100], t.lat[t.lat.len()-1], rss());
    Ok(())
}
