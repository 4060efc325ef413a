//! The program's files and its exit code.
#![allow(clippy::unwrap_used)]

use std::fs;
#[cfg(unix)]
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Stdio;
use std::process::{Command, Output};

#[test]
fn a_broken_hypothesis_sets_the_exit_code_and_the_log_is_reproducible() {
    let out = [scratch("one"), scratch("two")];
    for out in &out {
        let ran = game_day(&[
            "--file",
            "tests/broken.toml",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(said.contains("broken: "), "{said}");
        assert!(said.ends_with("0 of 1 hypotheses held.\n"), "{said}");
    }
    let log = |out: &Path| fs::read_to_string(out.join("faults.log")).unwrap();
    assert_eq!(log(&out[0]), log(&out[1]));
    assert!(log(&out[0]).lines().any(|line| line.ends_with(" errors")));
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out[0].join("report.json")).unwrap()).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(finding["unaccounted"], 0);
    assert_eq!(finding["contradicted"], 0);
    assert!(finding["reported"].as_u64() > Some(0), "{finding}");
    for file in ["report.md", "report.html"] {
        let text = fs::read_to_string(out[0].join(file)).unwrap();
        assert!(text.contains("no error passes"), "{file}");
    }
    out.iter().for_each(|out| fs::remove_dir_all(out).unwrap());
}

/// Ctrl-C in the middle of the second of two experiments: the plan is disarmed, and the first is reported.
#[cfg(unix)]
#[test]
fn an_interrupt_disarms_and_writes_the_report() {
    let out = scratch("interrupted");
    let mut program = command(&[
        "--file",
        "tests/interrupted.toml",
        "--out",
        out.to_str().unwrap(),
    ]);
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let mut said = BufReader::new(program.stdout.take().unwrap()).lines();
    let before: Vec<_> = said
        .by_ref()
        .map(Result::unwrap)
        .take_while(|line| line != "second: armed")
        .collect();
    assert!(
        before.iter().any(|line| line.starts_with("first ")),
        "{before:?}"
    );
    let signal = format!("kill -INT {}", program.id());
    let sent = Command::new("sh").args(["-c", &signal]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<_> = said.map(Result::unwrap).collect();
    let ended = program.wait_with_output().unwrap();
    let complaint = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{complaint}");
    assert_eq!(complaint, "game-day: interrupted, and rolled back\n");
    assert!(rest.iter().all(|line| !line.starts_with("second")));
    let report = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(
        report.contains("## first") && !report.contains("## second"),
        "{report}"
    );
    let log = fs::read_to_string(out.join("faults.log")).unwrap();
    assert!(log.lines().all(|line| line.starts_with("1-")), "{log}");
    fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_dry_run_writes_no_files() {
    let out = scratch("dry");
    let ran = game_day(&["--dry-run", "--out", out.to_str().unwrap()]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    assert!(
        String::from_utf8(ran.stdout)
            .unwrap()
            .contains("down: abort for 100% of all calls")
    );
    assert!(!out.exists());
}

#[test]
fn an_invalid_file_is_rejected() {
    let ran = game_day(&["--file", "tests/program.rs"]);
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert!(
        String::from_utf8(ran.stderr)
            .unwrap()
            .contains("line 1, column")
    );
}

fn game_day(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_game-day"));
    program
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    program
}

fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("game-day-{name}-{}", std::process::id()))
}
