//! What the plugin boundary costs, as ratios to a plain function pointer in the same process: a leaf, an async leaf, one
//! suspension, under both drivers. The host's side is left out: the descriptors are called as the host calls them.
//!
//! `cargo bench -p piton-tests --bench abi`

use libloading::{Library, Symbol};
use piton_plugin_api::abi::{Builtin, Entry, Plugin, RawValue, Request, RootTable, VmContext, tag};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

const CALLS: u64 = 50_000;
const ROUNDS: usize = 400;

/// Something that is measured: makes so many calls.
type Case<'a> = (&'static str, Box<dyn FnMut(u64) + 'a>);

/// Nanoseconds of one call of each case, the least of many short rounds. The cases take turns, and the noise of a shared
/// machine only adds: so the least of each was had on a machine as quiet as it gets.
fn measure(cases: &mut [Case<'_>]) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; cases.len()];
    for _ in 0..ROUNDS {
        for ((_, run), least) in cases.iter_mut().zip(&mut least) {
            let begun = Instant::now();
            run(CALLS);
            *least = least.min(begun.elapsed().as_nanos() as f64 / CALLS as f64);
        }
    }
    least
}

unsafe extern "C" fn no_roots(_: *mut RootTable) {
    unreachable!("integers need no roots")
}

fn int(value: u64) -> RawValue {
    RawValue::new(tag::INT, value)
}

fn find<'a>(plugin: &'a Plugin, name: &str) -> &'a Builtin {
    // SAFETY: the plugin's table has so many descriptors, with names that live for ever.
    unsafe {
        (0..plugin.builtin_count)
            .map(|index| &*plugin.builtins.add(index))
            .find(|builtin| builtin.name.as_slice() == name.as_bytes())
            .expect("the test plugin has it")
    }
}

/// The test plugin, built with optimisation.
fn optimised_plugin() -> PathBuf {
    let target = std::env::current_exe()
        .expect("the bench knows its file")
        .with_file_name("bench-plugins");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(piton_tests::source_dir("tests/plugins/abi-test"))
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the test plugin builds");
    target
        .join("release")
        .join(format!("{DLL_PREFIX}abi_test{DLL_SUFFIX}"))
}

fn main() {
    let file = optimised_plugin();
    // SAFETY: the test plugin, built above.
    let library = unsafe { Library::new(&file) }.expect("the test plugin loads");
    // SAFETY: the name carries the type.
    let entry: Symbol<Entry> =
        unsafe { library.get(b"piton_plugin_v1_abi_test") }.expect("it exports its entry");
    // SAFETY: the entry answers a descriptor that lives as long as the library.
    let plugin: &Plugin = unsafe { &*entry() };

    let mut roots = RootTable {
        free: std::ptr::null_mut(),
        chunks: std::ptr::null_mut(),
        owner: 0,
        grow: no_roots,
    };
    let mut context = VmContext {
        struct_size: size_of::<VmContext>(),
        // None of the builtins that are measured calls a function of the host.
        host: std::ptr::null(),
        roots: &mut roots,
        instance: std::ptr::null_mut(),
        response: int(0),
        request: Request {
            number: 0,
            argc: 0,
            flags: 0,
            args: [int(0); 6],
        },
    };
    let vm: *mut VmContext = &mut context;
    let mut frame = vec![0_u128; 4096];
    let state = frame.as_mut_ptr().cast::<u8>();

    let plain: extern "C" fn(u64, u64) -> u64 = {
        extern "C" fn add(a: u64, b: u64) -> u64 {
            a.wrapping_add(b)
        }
        black_box(add)
    };
    let mut cases: Vec<Case<'_>> = vec![(
        "plain function through a pointer",
        Box::new(|calls| {
            let mut sum = 0;
            for i in 0..calls {
                sum ^= plain(i, i);
            }
            black_box(sum);
        }),
    )];
    for (title, name) in [
        ("leaf", "leafAdd"),
        ("async leaf", "asyncAdd"),
        ("async leaf, genawaiter", "refAdd"),
    ] {
        let start = find(plugin, name).start;
        cases.push((
            title,
            Box::new(move |calls| {
                let mut sum = 0;
                for i in 0..calls {
                    let args = [int(i), int(i)];
                    // SAFETY: context, frame and arguments as the ABI has them.
                    sum ^= unsafe { start(state, vm, args.as_ptr(), 2) }.payload;
                }
                black_box(sum);
            }),
        ));
    }
    let builtin = find(plugin, "askMany");
    let resume = builtin.resume.expect("it suspends");
    cases.push((
        "one suspension",
        Box::new(move |calls| {
            let args = [int(calls), int(0)];
            // SAFETY: context, frame and arguments as the ABI has them; resumed while it is pending.
            unsafe {
                let mut raw = (builtin.start)(state, vm, args.as_ptr(), 2);
                while raw.tag() == tag::PENDING {
                    (*vm).request.number = 0;
                    raw = resume(state, vm, int(black_box(raw.payload) + 1));
                }
                black_box(raw);
            }
        }),
    ));
    let costs = measure(&mut cases);
    for ((title, _), cost) in cases.iter().zip(&costs) {
        println!("{title:<42} {cost:6.2} ns  {:4.1}", cost / costs[0]);
    }

    // A nested level holds the frame of the builtin, its arguments, and what the host notes of it.
    let nested = find(plugin, "callNested");
    let level = nested.frame_size as usize + nested.arity as usize * size_of::<RawValue>();
    println!(
        "{:<42} {level:6} bytes of frame and arguments",
        "nested suspended level"
    );
}
