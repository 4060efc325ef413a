use std::ops::Deref;

use buttress_core::Striped;

use crate::Deadlines;
use crate::deadlines::Config;
use crate::settings::Settings;

/// A handle and its configuration as a service last read it, so that a call does not need the lock of the handle.
#[expect(unnameable_types, reason = "of a sealed trait, not for other use")]
#[derive(Debug, Clone)]
pub struct Current<C> {
    deadlines: Deadlines<C>,
    pub(crate) config: C,
    settings: Striped<Settings>,
}

impl<C: Config> Current<C> {
    pub(crate) fn new(deadlines: Deadlines<C>) -> Self {
        let (config, settings) = deadlines.current();
        Self {
            deadlines,
            config,
            settings,
        }
    }

    /// Reads the configuration again if it was replaced.
    #[inline]
    pub(crate) fn refresh(&mut self) {
        if self.settings.is_replaced() {
            self.read();
        }
    }

    #[cold]
    #[inline(never)]
    fn read(&mut self) {
        (self.config, self.settings) = self.deadlines.current();
    }
}

impl<C> Current<C> {
    pub(crate) fn deadlines(&self) -> &Deadlines<C> {
        &self.deadlines
    }
}

impl<C> Deref for Current<C> {
    type Target = Striped<Settings>;

    #[inline]
    fn deref(&self) -> &Striped<Settings> {
        &self.settings
    }
}
