//! The Prometheus recorder of the cases with a recorder.

use metrics_exporter_prometheus::PrometheusBuilder;

/// Installs the recorder for the rest of the process, once.
pub(crate) fn install() {
    if let Err(error) = PrometheusBuilder::new().install_recorder() {
        eprintln!("no recorder: {error}");
    }
}
