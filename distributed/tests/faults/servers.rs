//! The servers, and what is wrong with them at the moment.

use std::time::{Duration, Instant};

use anyhow::Result;
use bakery_servers::{Cluster, Link, consul, zookeeper};
use fastrand::Rng;

use crate::events::now;

/// What is wrong with a server, and until when.
enum Trouble {
    Killed,
    Stopped,
    /// From its clients.
    CutOff,
    /// From the other servers.
    Alone,
}

pub struct Servers {
    cluster: Cluster,
    /// Where clients find them, by ways that can be cut.
    pub url: String,
    links: Vec<Link>,
    /// Cuts the last one off from the others, if that can be done.
    among: Option<Link>,
    troubles: Vec<Option<(Trouble, Instant)>>,
    /// When an engine of one server that forgets its sessions has been killed, until it was back.
    pub forgotten: Vec<(u64, u64)>,
    is_forgetful: bool,
}

impl Servers {
    pub fn start(engine: &str) -> Result<Self> {
        let (cluster, among) = match engine {
            "consul" => consul::start_apart().map(|(cluster, link)| (cluster, Some(link)))?,
            "zookeeper" => zookeeper::start_apart().map(|(cluster, link)| (cluster, Some(link)))?,
            _ => (Cluster::start(engine)?, None),
        };
        let (url, links) = Link::before(&cluster.url)?;
        let troubles = cluster.nodes.iter().map(|_| None).collect();
        // Its sessions are connections.
        let is_forgetful = engine == "postgres";
        Ok(Self { cluster, url, links, among, troubles, forgotten: Vec::new(), is_forgetful })
    }

    /// Where they are when nothing is cut.
    pub fn straight(&self) -> &str {
        &self.cluster.url
    }

    /// One of them has some trouble from now on; a majority is well most of the time.
    pub fn trouble(&mut self, random: &mut Rng) -> Result<Option<String>> {
        let all = self.troubles.len();
        let bad = self.troubles.iter().flatten().count();
        // The last one rather than the others if that has one more kind of trouble.
        let is_alone = self.among.is_some() && random.u32(0..3) == 0;
        let number = if is_alone { all - 1 } else { random.usize(0..all) };
        if self.troubles[number].is_some() || ((bad + 1) * 2 > all && random.u32(0..10) > 1) {
            return Ok(None);
        }
        // Some for longer than sessions live.
        let millis =
            if random.u32(0..5) < 3 { random.u64(100..2000) } else { random.u64(3000..8000) };
        let (trouble, what) = match random.u32(0..3) {
            _ if is_alone => (Trouble::Alone, "alone"),
            0 => (Trouble::Killed, "killed"),
            1 => (Trouble::Stopped, "stopped"),
            _ => (Trouble::CutOff, "cut off"),
        };
        match &trouble {
            Trouble::Killed => {
                if self.is_forgetful {
                    self.forgotten.push((now(), u64::MAX));
                }
                self.cluster.nodes[number].kill()?;
            }
            Trouble::Stopped => self.cluster.nodes[number].stop()?,
            Trouble::CutOff => self.links[number].cut(),
            Trouble::Alone => self.among.iter().for_each(Link::cut),
        }
        self.troubles[number] = Some((trouble, Instant::now() + Duration::from_millis(millis)));
        Ok(Some(format!("server {number} {what} for {millis} ms")))
    }

    /// Ends the troubles whose time is over.
    pub fn mend(&mut self, is_over: impl Fn(Instant) -> bool) -> Result<()> {
        for (number, trouble) in self.troubles.iter_mut().enumerate() {
            match trouble {
                Some((_, until)) if !is_over(*until) => continue,
                Some((Trouble::Killed, _)) => {
                    self.cluster.nodes[number].start_again()?;
                    if self.is_forgetful {
                        // From now on it may answer. Whoever asked before that may be of the time before.
                        self.cluster.wait()?;
                        self.forgotten.last_mut().expect("it was killed").1 = now();
                    }
                }
                Some((Trouble::Stopped, _)) => self.cluster.nodes[number].go_on()?,
                Some((Trouble::CutOff, _)) => self.links[number].mend(),
                Some((Trouble::Alone, _)) => self.among.iter().for_each(Link::mend),
                None => continue,
            }
            *trouble = None;
        }
        Ok(())
    }

    /// All is well again.
    pub fn recover(&mut self) -> Result<()> {
        self.mend(|_| true)?;
        self.cluster.wait()
    }
}
