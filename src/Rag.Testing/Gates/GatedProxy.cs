using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Slipway.Rag.Testing;

/// <summary>A contract whose every call passes a gate.</summary>
[SuppressMessage("Performance", "CA1852", Justification = "The runtime derives the proxy from it.")]
internal class GatedProxy<T> : DispatchProxy
    where T : class
{
    private static readonly MethodInfo TypedMethod = Method(nameof(Typed));
    private static readonly MethodInfo StreamMethod = Method(nameof(StreamAsync));

    private T _inner = null!;
    private Gate _gate = null!;

    public static T Over(T inner, Gate gate)
    {
        var proxy = Create<T, GatedProxy<T>>();
        var own = (GatedProxy<T>)(object)proxy;
        (own._inner, own._gate) = (inner, gate);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.IsSpecialName)
        {
            return Call(); // a property
        }

        var call = new GatedCall($"{typeof(T).Name}.{targetMethod.Name}", args ?? []);
        var returned = targetMethod.ReturnType;
        if (returned == typeof(ValueTask))
        {
            return new ValueTask(
                _gate.PassAsync(
                    call,
                    async () =>
                    {
                        await (ValueTask)Call()!;
                        return true;
                    }
                )
            );
        }

        var gated =
            returned.GetGenericTypeDefinition() == typeof(ValueTask<>) ? TypedMethod
            : returned.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>) ? StreamMethod
            : throw new NotSupportedException($"{call.Name} returns {returned}.");
        return gated.MakeGenericMethod(returned.GenericTypeArguments).Invoke(this, [call, (Func<object?>)Call]);

        object? Call() => targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
    }

    private static MethodInfo Method(string name) =>
        typeof(GatedProxy<T>).GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic)!;

    private ValueTask<TResult> Typed<TResult>(GatedCall call, Func<object?> effect) =>
        new(_gate.PassAsync(call, () => ((ValueTask<TResult>)effect()!).AsTask()));

    /// <summary>A stream is one call: it is read to its end before any of it is given out.</summary>
    private async IAsyncEnumerable<TItem> StreamAsync<TItem>(GatedCall call, Func<object?> effect)
    {
        foreach (
            var item in await _gate.PassAsync(
                call,
                async () => await ((IAsyncEnumerable<TItem>)effect()!).ToListAsync()
            )
        )
        {
            yield return item;
        }
    }
}
