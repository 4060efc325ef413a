//! Real hosts and real clients, on loopback.
mod axum_server;
mod cancellation;
mod chaos;
mod evidence;
mod hyper_ends;
mod reqwest_client;
mod retry_axum;
mod retry_goaway;
mod retry_reqwest;
mod retry_tonic;
mod support;
mod tonic_ends;
