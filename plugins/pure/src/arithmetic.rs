//! Numbers: integers of 64 bits, which never wrap around, and floats. One float makes the whole operation one of floats.

use piton_plugin_api::{Cx, Result, Type, Value, builtin};

/// Two operands, once their types have been reconciled.
enum Operands {
    Ints(i64, i64),
    Floats(f64, f64),
}

fn operands<'f>(cx: Cx<'f>, a: &Value<'f>, b: &Value<'f>) -> Result<Operands> {
    if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
        return Ok(Operands::Ints(a, b));
    }
    if a.kind() == Type::Float || b.kind() == Type::Float {
        return Ok(Operands::Floats(cx.number(a)?, cx.number(b)?));
    }
    Ok(Operands::Ints(cx.int(a)?, cx.int(b)?))
}

/// The result of an integer operation, or the error that it does not fit.
fn fitting<'f>(
    cx: Cx<'f>,
    result: Option<i64>,
    doing: &str,
    (a, sign, b): (i64, char, i64),
) -> Result<Value<'f>> {
    match result {
        Some(result) => Ok(Value::int(result)),
        None => Err(cx.fail(format!("integer overflow in {doing} {a} {sign} {b}"))),
    }
}

builtin! {
    /// The sum of two numbers.
    name = "add", since = "0.1.0", example = "builtins.add 1 2.5" => "3.5",
    leaf fn add<'f>(
        cx,
        e1: any as "first argument of the addition",
        e2: any as "second argument of the addition",
    ) {
        match operands(cx, e1, e2)? {
            Operands::Ints(a, b) => fitting(cx, a.checked_add(b), "adding", (a, '+', b)),
            Operands::Floats(a, b) => Ok(Value::float(a + b)),
        }
    }
}

builtin! {
    /// The difference `e1 - e2` of two numbers.
    name = "sub", since = "0.1.0", example = "builtins.sub 10 4" => "6",
    leaf fn sub<'f>(
        cx,
        e1: any as "first argument of the subtraction",
        e2: any as "second argument of the subtraction",
    ) {
        match operands(cx, e1, e2)? {
            Operands::Ints(a, b) => fitting(cx, a.checked_sub(b), "subtracting", (a, '-', b)),
            Operands::Floats(a, b) => Ok(Value::float(a - b)),
        }
    }
}

builtin! {
    /// The product of two numbers.
    name = "mul", since = "0.1.0", example = "builtins.mul 6 7" => "42",
    leaf fn mul<'f>(
        cx,
        e1: any as "first argument of the multiplication",
        e2: any as "second argument of the multiplication",
    ) {
        match operands(cx, e1, e2)? {
            Operands::Ints(a, b) => fitting(cx, a.checked_mul(b), "multiplying", (a, '*', b)),
            Operands::Floats(a, b) => Ok(Value::float(a * b)),
        }
    }
}

builtin! {
    /// The quotient `e1 / e2` of two numbers. Between integers the result is an integer, cut off towards zero. To divide
    /// by zero is an error, for floats too.
    name = "div", since = "0.1.0", example = "[ (builtins.div (-7) 2) (builtins.div 7 2.0) ]" => "[ -3 3.5 ]",
    leaf fn div<'f>(
        cx,
        e1: any as "first operand of the division",
        e2: any as "second operand of the division",
    ) {
        if cx.number(e2)? == 0.0 {
            return Err(cx.fail("division by zero"));
        }
        match operands(cx, e1, e2)? {
            Operands::Ints(a, b) => fitting(cx, a.checked_div(b), "dividing", (a, '/', b)),
            Operands::Floats(a, b) => Ok(Value::float(a / b)),
        }
    }
}

builtin! {
    /// The bits that are set in both integers.
    name = "bitAnd", since = "0.1.0", example = "builtins.bitAnd 12 10" => "8",
    leaf fn bit_and<'f>(cx, e1: int, e2: int) {
        Ok(Value::int(cx.int(e1)? & cx.int(e2)?))
    }
}

builtin! {
    /// The bits that are set in at least one of two integers.
    name = "bitOr", since = "0.1.0", example = "builtins.bitOr 12 10" => "14",
    leaf fn bit_or<'f>(cx, e1: int, e2: int) {
        Ok(Value::int(cx.int(e1)? | cx.int(e2)?))
    }
}

builtin! {
    /// The bits that are set in exactly one of two integers.
    name = "bitXor", since = "0.1.0", example = "builtins.bitXor 12 10" => "6",
    leaf fn bit_xor<'f>(cx, e1: int, e2: int) {
        Ok(Value::int(cx.int(e1)? ^ cx.int(e2)?))
    }
}

builtin! {
    /// The least integer that is not below `number`. It is an error if that does not fit 64 bits.
    name = "ceil", since = "0.1.0", example = "map builtins.ceil [ 1.2 (-1.2) 3 ]" => "[ 2 -1 3 ]",
    leaf fn ceil<'f>(cx, number: any) {
        rounded(cx, number, f64::ceil)
    }
}

builtin! {
    /// The greatest integer that is not above `number`. It is an error if that does not fit 64 bits.
    name = "floor", since = "0.1.0", example = "map builtins.floor [ 1.8 (-1.2) 3 ]" => "[ 1 -2 3 ]",
    leaf fn floor<'f>(cx, number: any) {
        rounded(cx, number, f64::floor)
    }
}

/// Rounds by way of a float, as Nix does, which therefore refuses the integers that a float cannot hold.
fn rounded<'f>(cx: Cx<'f>, number: &Value<'f>, round: fn(f64) -> f64) -> Result<Value<'f>> {
    let result = int_of(round(cx.number(number)?));
    match (number.as_int(), result) {
        (None, Some(result)) => Ok(Value::int(result)),
        (None, None) => {
            let shown = cx.render(number, false);
            let shown = String::from_utf8_lossy(cx.bytes(&shown)?).into_owned();
            Err(cx.fail(format!(
                "NixFloat argument {shown} is not in the range of NixInt"
            )))
        }
        (Some(int), Some(result)) if int == result => Ok(Value::int(int)),
        (Some(int), _) => Err(cx.fail(format!(
            "cannot round the integer {int}: this goes by way of a float, which does not hold it exactly"
        ))),
    }
}

/// The integer that a float without a fraction is, if 64 bits hold it.
fn int_of(float: f64) -> Option<i64> {
    // -2^63 is a float, 2^63 - 1 is none: the nearest is 2^63, which is out of range.
    let limit = -(i64::MIN as f64);
    (float >= -limit && float < limit).then_some(float as i64)
}

builtin! {
    /// Whether `e1` comes before `e2`: numbers by size, strings and paths by their bytes, lists by the first
    /// elements that differ. Other values, and values of different types, cannot be compared.
    name = "lessThan", since = "0.1.0",
    example = "[ (builtins.lessThan 1 1.5) (builtins.lessThan \"b\" \"a\") (builtins.lessThan [ 1 ] [ 1 2 ]) ]"
        => "[ true false true ]",
    async fn less_than<'f>(cx, e1: any, e2: any) {
        let less = match (e1.kind(), e2.kind()) {
            (Type::Int, Type::Int) => e1.as_int() < e2.as_int(),
            (Type::Int | Type::Float, Type::Int | Type::Float) => cx.number(e1)? < cx.number(e2)?,
            (Type::String, Type::String) | (Type::Path, Type::Path) => cx.bytes(e1)? < cx.bytes(e2)?,
            _ => cx.less(e1, e2).await?,
        };
        Ok(Value::bool(less))
    }
}

#[cfg(test)]
mod tests {
    use super::int_of;

    #[test]
    fn floats_at_the_edges_of_64_bits() {
        assert_eq!(int_of(i64::MIN as f64), Some(i64::MIN));
        assert_eq!(int_of(i64::MAX as f64), None);
        assert_eq!(int_of(9223372036854774784.0), Some(9223372036854774784));
        assert_eq!(int_of(-9223372036854777856.0), None);
        assert_eq!(int_of(f64::NAN), None);
        assert_eq!(int_of(f64::NEG_INFINITY), None);
        assert_eq!(int_of(-0.0), Some(0));
    }
}
