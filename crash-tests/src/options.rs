//! What a command is to do.

use std::time::Duration;

/// The words after a command.
#[derive(Debug)]
pub(crate) struct Options {
    /// What alone it is to do: what has all of these in its name.
    names: Vec<String>,
    /// A number that stands alone.
    number: Option<u64>,
    /// `limit=MILLISECONDS`: what takes longer is stuck.
    pub(crate) limit: Duration,
    /// `seed=NUMBER`: for what is left to chance.
    pub(crate) seed: u64,
    /// `stride=NUMBER`: of several deaths, those whose points are so far apart; or of instructions.
    pub(crate) stride: Option<u64>,
}

impl Options {
    pub(crate) fn from(words: &[String]) -> Self {
        let mut options = Self {
            names: Vec::new(),
            number: None,
            limit: Duration::from_secs(10),
            seed: 1,
            stride: None,
        };
        for word in words {
            match (word.split_once('='), word.parse()) {
                (Some((name, value)), _) => {
                    let value = value.parse().expect("a number");
                    match name {
                        "limit" => options.limit = Duration::from_millis(value),
                        "seed" => options.seed = value,
                        "stride" => options.stride = Some(value),
                        _ => panic!("there is no option {name}"),
                    }
                }
                (None, Ok(number)) => options.number = Some(number),
                (None, Err(_)) => options.names.push(word.clone()),
            }
        }
        options
    }

    /// Whether something of this name is to be done. Names are matched as whole words.
    pub(crate) fn want(&self, name: &str) -> bool {
        self.names.iter().all(|wanted| name.split(' ').any(|word| word == wanted))
    }

    pub(crate) fn number_or(&self, default: u64) -> u64 {
        self.number.unwrap_or(default)
    }
}

/// George Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Small seeds begin with few bits set, and 0 stays 0.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
