using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Slipway.Rag.Testing;

/// <summary>A contract whose every call is a place to die at.</summary>
[SuppressMessage("Performance", "CA1852", Justification = "The runtime derives the proxy from it.")]
internal class CrashingProxy<T> : DispatchProxy
    where T : class
{
    private static readonly MethodInfo TypedMethod = typeof(CrashingProxy<T>).GetMethod(
        nameof(Typed),
        BindingFlags.Instance | BindingFlags.NonPublic
    )!;

    private T _inner = null!;
    private CrashPoints _points = null!;

    public static T Over(T inner, CrashPoints points)
    {
        var proxy = Create<T, CrashingProxy<T>>();
        var own = (CrashingProxy<T>)(object)proxy;
        (own._inner, own._points) = (inner, points);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.IsSpecialName)
        {
            return Call(); // a property
        }

        var returned = targetMethod.ReturnType;
        if (returned == typeof(ValueTask))
        {
            return new ValueTask(
                RunAsync(
                    async () =>
                    {
                        await (ValueTask)Call()!;
                        return true;
                    },
                    Name()
                )
            );
        }

        if (returned.IsGenericType && returned.GetGenericTypeDefinition() == typeof(ValueTask<>))
        {
            return TypedMethod
                .MakeGenericMethod(returned.GenericTypeArguments)
                .Invoke(this, [(Func<object?>)Call, Name()]);
        }

        _points.Leave(_points.Enter(Name())); // a stream: reading has no effect that could be lost
        return Call();

        string Name() => $"{typeof(T).Name}.{targetMethod.Name}";

        object? Call() => targetMethod.Invoke(_inner, args);
    }

    private ValueTask<TResult> Typed<TResult>(Func<object?> call, string name) =>
        new(RunAsync(() => ((ValueTask<TResult>)call()!).AsTask(), name));

    private async Task<TResult> RunAsync<TResult>(Func<Task<TResult>> work, string name)
    {
        var call = _points.Enter(name);
        var result = await work();
        _points.Leave(call);
        return result;
    }
}
