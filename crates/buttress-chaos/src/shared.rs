use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Instant;

use buttress_core::chaos::{Active, Answer, ArmedPlan, BodyFault, Decision, End, Subject, Verdict};
use buttress_core::{Name, StableHash};
use buttress_metrics::{ChaosEvent, ChaosSignals, Disarming};
use tokio::sync::Notify;

use crate::InjectorConfig;
use crate::switch::{self, KillSwitch};

/// The state that all layers of an injector share.
pub(crate) struct Shared {
    pub(crate) name: Name,
    pub(crate) config: InjectorConfig,
    pub(crate) signals: ChaosSignals,
    /// Whether a plan is armed. This is all that a call reads while none is.
    armed: AtomicBool,
    /// Calls read it, and do not wait for each other; it is written when a plan starts or ends. It is locked only to
    /// read or replace the value.
    arming: RwLock<Option<Arc<ArmedPlan>>>,
    /// The number of the next call without an identity.
    sequence: AtomicU64,
    /// Notified when a plan ends, for calls that hang or wait because of it.
    pub(crate) released: Arc<Notify>,
}

/// The faults of a call.
pub(crate) struct Harm {
    pub(crate) place: Place,
    pub(crate) delay: Option<std::time::Duration>,
    pub(crate) answer: Option<Answer>,
    pub(crate) body: Option<BodyFault>,
    /// The names of the faults, separated by commas.
    pub(crate) fault_names: String,
}

/// One of the affected calls. Dropping it releases its slot.
pub(crate) struct Place {
    shared: Arc<Shared>,
    arming: Arc<ArmedPlan>,
    active: Option<Active>,
}

impl Shared {
    pub(crate) fn new(name: Name, config: InjectorConfig) -> Self {
        Self {
            signals: ChaosSignals::new(name.clone()),
            name,
            config,
            armed: AtomicBool::new(false),
            arming: RwLock::new(None),
            sequence: AtomicU64::new(0),
            released: Arc::default(),
        }
    }

    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        // No ordering is needed: the lock provides it.
        self.armed.load(Ordering::Relaxed)
    }

    pub(crate) fn arming(&self) -> Option<Arc<ArmedPlan>> {
        let arming = self.arming.read();
        arming.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Arms a plan, unless one is armed.
    pub(crate) fn arm<E>(
        &self,
        make: impl FnOnce(Option<&Arc<ArmedPlan>>) -> Result<ArmedPlan, E>,
    ) -> Result<(), E> {
        let mut locked = self.lock();
        let arming = Arc::new(make(locked.as_ref())?);
        let event = ChaosEvent::Armed {
            faults: arming.plan().faults().len(),
            seed: arming.plan().seed(),
        };
        let replaced = locked.replace(arming).is_some();
        self.armed.store(true, Ordering::Relaxed);
        drop(locked);
        if replaced {
            self.signals.emit(ChaosEvent::Disarmed(Disarming::Hand));
        }
        self.signals.emit(event);
        Ok(())
    }

    /// Removes the armed plan, and releases the calls that it holds. With `only`, if that plan is still armed.
    pub(crate) fn disarm(&self, by: Disarming, only: Option<&Arc<ArmedPlan>>) -> bool {
        let mut locked = self.lock();
        let stands = match (&*locked, only) {
            (Some(arming), Some(only)) => Arc::ptr_eq(arming, only),
            (arming, _) => arming.is_some(),
        };
        if !stands {
            return false;
        }
        *locked = None;
        self.armed.store(false, Ordering::Relaxed);
        drop(locked);
        self.released.notify_waiters();
        self.signals.emit(ChaosEvent::Disarmed(by));
        true
    }

    /// Returns the identity of a call: its own, or its number at this injector. Two injectors with one plan affect
    /// the same requests, but have no common numbers for requests without an identity.
    pub(crate) fn identity(&self, named: Option<u64>) -> u64 {
        named.unwrap_or_else(|| {
            let turn = self.sequence.fetch_add(1, Ordering::Relaxed);
            StableHash::new(1)
                .field(self.name.as_str().as_bytes())
                .field(&turn.to_le_bytes())
                .finish()
        })
    }

    /// Decides whether a call is affected.
    pub(crate) fn decide(
        self: &Arc<Self>,
        arming: &Arc<ArmedPlan>,
        subject: &impl Subject,
        identity: u64,
        now: Instant,
    ) -> Option<Harm> {
        match arming.decide(subject, identity, now) {
            Verdict::Ended(end) => {
                self.disarm(Disarming::Ended(end), Some(arming));
                None
            }
            Verdict::Inject(decision, active) => {
                let place = Place {
                    arming: Arc::clone(arming),
                    shared: Arc::clone(self),
                    active: Some(active),
                };
                self.signals.emit(ChaosEvent::Struck);
                let spared = self.is_killed(arming, &decision);
                (!spared).then(|| self.harm(arming, &decision, place))
            }
            Verdict::Pass(suppressed) => {
                if let Some(reason) = suppressed {
                    self.signals.emit(ChaosEvent::Suppressed(reason));
                }
                None
            }
        }
    }

    /// Whether a kill switch applies to this call. Disarms the plan or the fault for all later calls.
    fn is_killed(&self, arming: &Arc<ArmedPlan>, decision: &Decision<'_>) -> bool {
        match switch::read(&self.config, arming.plan()) {
            KillSwitch::All => {
                self.disarm(Disarming::Switch, Some(arming));
                true
            }
            KillSwitch::Faults(stopped) => {
                let hits = |fault: &str| decision.names().any(|name| name.as_str() == fault);
                let mut spared = false;
                for fault in stopped.iter().filter(|fault| hits(fault)) {
                    self.stop(arming, fault);
                    spared = true;
                }
                spared
            }
            KillSwitch::None => false,
        }
    }

    fn harm(&self, arming: &ArmedPlan, decision: &Decision<'_>, place: Place) -> Harm {
        let faults = arming.plan().faults();
        let hits = [
            decision.delay.map(|hit| hit.index),
            decision.answer.map(|hit| hit.index),
            decision.body.map(|hit| hit.index),
        ];
        for fault in hits.into_iter().flatten().map(|index| &faults[index]) {
            self.signals.emit(ChaosEvent::Injected {
                fault: fault.name().as_str(),
                kind: fault.what().kind(),
            });
        }
        let names: Vec<_> = decision.names().map(Name::as_str).collect();
        Harm {
            place,
            delay: decision.delay.map(|hit| hit.what),
            answer: decision.answer.map(|hit| hit.what.clone()),
            body: decision.body.map(|hit| hit.what),
            fault_names: names.join(", "),
        }
    }

    /// Disables one fault. Returns whether there is a fault with that name.
    pub(crate) fn stop(&self, arming: &ArmedPlan, fault: &str) -> bool {
        let stopped = arming.stop(fault);
        if stopped {
            self.signals.emit(ChaosEvent::Stopped { fault });
        }
        stopped
    }

    /// Disarms the injector if the plan has ended by itself, and returns the reason.
    pub(crate) fn look(&self, arming: &Arc<ArmedPlan>, now: Instant) -> Option<End> {
        let end = arming.end(now)?;
        self.disarm(Disarming::Ended(end), Some(arming));
        Some(end)
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Option<Arc<ArmedPlan>>> {
        self.arming.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(active) = self.active.take() {
            self.arming.release(active);
            self.shared.signals.emit(ChaosEvent::Released);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("armed", &self.is_armed())
            .finish_non_exhaustive()
    }
}
