use super::adaptive::Adaptive;
use super::aimd::Aimd;
use super::config::Algorithm;
use super::gradient::Gradient;
use super::vegas::Vegas;
use super::window::Window;
use super::{Ended, LimitConfig};

/// One of the rules, in the middle of its work.
#[derive(Debug)]
pub(super) enum Rule {
    Aimd(Aimd),
    Fixed(f64),
    Gradient(Gradient),
    // It remembers more than the others.
    Adaptive(Box<Adaptive>),
    Vegas(Vegas),
}

impl Rule {
    pub(super) fn new(config: &LimitConfig, limit: f64) -> Self {
        match config.algorithm {
            Algorithm::Aimd { timeout } => Self::Aimd(Aimd::new(limit, timeout)),
            Algorithm::Fixed => Self::Fixed(limit),
            Algorithm::Gradient => Self::Gradient(Gradient::new(limit)),
            Algorithm::Adaptive => Self::Adaptive(Box::new(Adaptive::new(limit))),
            Algorithm::Vegas => Self::Vegas(Vegas::new(limit)),
        }
    }

    /// A limit without samples yet.
    pub(super) fn opening(config: &LimitConfig) -> Self {
        let limit = f64::from(config.initial);
        match config.algorithm {
            Algorithm::Adaptive => Self::Adaptive(Box::new(Adaptive::opening(limit))),
            _ => Self::new(config, limit),
        }
    }

    /// The minimum number in flight at which calls are recorded individually, if any are.
    pub(super) fn looks_from(&self) -> Option<u64> {
        match self {
            Self::Adaptive(guarded) => guarded.looks_from(),
            _ => None,
        }
    }

    /// Takes in a call by itself. Returns whether that moved the limit.
    pub(super) fn on_sample(&mut self, call: &Ended, config: &LimitConfig) -> bool {
        match self {
            Self::Adaptive(guarded) => guarded.on_sample(call, &config.above_min()),
            _ => false,
        }
    }

    pub(super) fn on_window(&mut self, window: &Window, config: &LimitConfig) {
        match self {
            Self::Aimd(aimd) => aimd.on_window(window, config),
            Self::Fixed(_) => {}
            Self::Gradient(gradient) => gradient.on_window(window, config),
            Self::Adaptive(guarded) => guarded.on_window(window, &config.above_min()),
            Self::Vegas(vegas) => vegas.on_window(window, config),
        }
    }

    /// The limit that it aims at.
    pub(super) fn aim(&self) -> f64 {
        match self {
            Self::Aimd(aimd) => aimd.limit,
            Self::Fixed(limit) => *limit,
            Self::Gradient(gradient) => gradient.limit,
            Self::Adaptive(guarded) => guarded.aim(),
            Self::Vegas(vegas) => vegas.limit,
        }
    }

    /// The limit to keep to now.
    pub(super) fn now(&self) -> f64 {
        match self {
            Self::Adaptive(guarded) => guarded.now(),
            _ => self.aim(),
        }
    }

    pub(super) fn is_searching(&self) -> bool {
        matches!(self, Self::Adaptive(guarded) if guarded.is_searching())
    }

    /// How many samples make a window while the limit is so high.
    pub(super) fn window(&self, limit: u64) -> u64 {
        match self {
            Self::Adaptive(guarded) => guarded.window(limit),
            Self::Fixed(_) => limit.clamp(LEAST, ENOUGH),
            Self::Aimd(_) | Self::Gradient(_) | Self::Vegas(_) => limit.clamp(LEAST, MOST),
        }
    }
}

/// A mean over fewer says little, and one over more comes late.
const LEAST: u64 = 10;
const MOST: u64 = 10_000;
/// Where only the mean is needed.
const ENOUGH: u64 = 100;
