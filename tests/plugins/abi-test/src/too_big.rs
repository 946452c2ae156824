//! A frame of more than 64 KiB.

use piton_plugin_api::builtin;

builtin! {
    /// Keeps 70,000 bytes across a suspension.
    name = "bigFrame", since = "0.1.0", example = "builtins.bigFrame (x: x)" => "70000",
    async fn big_frame<'f>(cx, f: any) {
        let mut bytes = [1_u8; 70_000];
        let answer = cx.call(&f, [&piton_plugin_api::Value::int(70_000)]).await?;
        bytes[0] = 0;
        std::hint::black_box(&bytes);
        Ok(answer)
    }
}
