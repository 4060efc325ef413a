use super::adaptive::Adaptive;
use super::aimd::Aimd;
use super::config::Algorithm;
use super::gradient::Gradient;
use super::vegas::Vegas;
use super::window::Window;
use super::{Ended, LimitConfig};

/// One of the rules, with its state.
#[derive(Debug)]
pub(super) enum Rule {
    Aimd(Aimd),
    Fixed(f64),
    Gradient(Gradient),
    // Boxed, because its state is larger than that of the others.
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

    /// A new limit, without samples.
    pub(super) fn opening(config: &LimitConfig) -> Self {
        let limit = f64::from(config.initial);
        match config.algorithm {
            Algorithm::Adaptive => Self::Adaptive(Box::new(Adaptive::opening(limit))),
            _ => Self::new(config, limit),
        }
    }

    /// The number in flight from which calls are recorded individually, if any are.
    pub(super) fn looks_from(&self) -> Option<u64> {
        match self {
            Self::Adaptive(guarded) => guarded.looks_from(),
            _ => None,
        }
    }

    /// Records a single call. Returns whether it moved the limit.
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

    /// The target limit.
    pub(super) fn aim(&self) -> f64 {
        match self {
            Self::Aimd(aimd) => aimd.limit,
            Self::Fixed(limit) => *limit,
            Self::Gradient(gradient) => gradient.limit,
            Self::Adaptive(guarded) => guarded.aim(),
            Self::Vegas(vegas) => vegas.limit,
        }
    }

    /// The limit that applies to the current window.
    pub(super) fn now(&self) -> f64 {
        match self {
            Self::Adaptive(guarded) => guarded.now(),
            _ => self.aim(),
        }
    }

    pub(super) fn is_searching(&self) -> bool {
        matches!(self, Self::Adaptive(guarded) if guarded.is_searching())
    }

    /// The number of samples in a window at this limit.
    pub(super) fn window(&self, limit: u64) -> u64 {
        match self {
            Self::Adaptive(guarded) => guarded.window(limit),
            Self::Fixed(_) => limit.clamp(LEAST, ENOUGH),
            Self::Aimd(_) | Self::Gradient(_) | Self::Vegas(_) => limit.clamp(LEAST, MOST),
        }
    }
}

/// A mean over fewer varies too much, and one over more is late.
const LEAST: u64 = 10;
const MOST: u64 = 10_000;
/// Enough where only the mean is needed.
const ENOUGH: u64 = 100;
