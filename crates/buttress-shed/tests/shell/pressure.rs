//! Memory and processor pressure. `src/measure.rs` tests the measurement.

use std::time::Duration;

use buttress_core::{Mode, Pressure, Reason};
use buttress_shed::{PressureConfig, ShedLayer, Trust};

use crate::scene::{MS, Scene, config, pass};
use crate::support::with_criticality;

/// A scene with run queue pressure that was just measured: the next value is used for a tenth of a second.
fn scene(mode: Mode) -> Scene {
    let pressure = PressureConfig::default().run_delay(HOUR, 2 * HOUR);
    let config = config(100, 0).pressure(pressure).mode(mode);
    let scene = Scene::behind(config, |shedder| {
        ShedLayer::server(shedder).trust(Trust::Always)
    });
    // At the first call, a thread only stores its waiting time.
    assert!(scene.call().is_inside() && scene.call().is_inside());
    scene
}

fn admit_waiters(scene: &Scene) -> Vec<&'static str> {
    ["low", "medium", "high", "critical"]
        .into_iter()
        .filter(|word| {
            let call = scene.call_with(with_criticality(word));
            let reason = call.reason();
            assert!(reason.is_none_or(|why| why == Reason::ResourceExhausted));
            call.is_inside()
        })
        .collect()
}

fn update_pressure(scene: &Scene, run_delay: Duration) {
    scene.shedder.update_pressure(Pressure {
        run_delay: Some(run_delay),
        ..Pressure::default()
    });
}

#[tokio::test(start_paused = true)]
async fn a_longer_run_queue_requires_a_higher_criticality() {
    let scene = scene(Mode::Enforce);
    for (delay, expected) in [
        (Duration::ZERO, &["low", "medium", "high", "critical"][..]),
        (HOUR, &["medium", "high", "critical"]),
        (HOUR.mul_f64(1.6), &["high", "critical"]),
        (3 * HOUR, &["critical"]),
        (MS, &["low", "medium", "high", "critical"]),
    ] {
        update_pressure(&scene, delay);
        assert_eq!(admit_waiters(&scene), expected, "{delay:?}");
    }
    assert_eq!(scene.counts(), (0, 0));
}

/// The pressure of an hour is only reported: the next measurement replaces it.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_reported_pressure_is_replaced_by_a_measurement() {
    let scene = scene(Mode::Enforce);
    update_pressure(&scene, 3 * HOUR);
    assert_eq!(admit_waiters(&scene), ["critical"]);
    pass(101 * MS).await;
    // The measurement applies to the call that made it.
    assert_eq!(admit_waiters(&scene), ["low", "medium", "high", "critical"]);
}

#[tokio::test(start_paused = true)]
async fn in_shadow_mode_no_call_is_rejected_for_pressure() {
    let scene = scene(Mode::Shadow);
    update_pressure(&scene, 3 * HOUR);
    assert_eq!(admit_waiters(&scene), ["low", "medium", "high", "critical"]);
}

#[tokio::test(start_paused = true)]
async fn disabling_pressure_clears_it() {
    let scene = scene(Mode::Enforce);
    update_pressure(&scene, 3 * HOUR);
    scene.shedder.reconfigure(config(100, 0)).unwrap();
    assert_eq!(admit_waiters(&scene), ["low", "medium", "high", "critical"]);
}

const HOUR: Duration = Duration::from_secs(3_600);
