using CsCheck;

namespace Slipway.Rag.Tests;

/// <summary>Generators that several tests share.</summary>
internal static class Generators
{
    /// <summary>One of these.</summary>
    public static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
