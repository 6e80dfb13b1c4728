using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// Vectors of equal dimension at one byte a component, each with its own scale (4 bytes): what a scan reads to find candidates, a quarter
/// of the float32 data. Immutable once filled.
/// </summary>
internal sealed class Int8Block(int dimensions, int capacity)
{
    private sbyte[] _components = new sbyte[capacity * dimensions];
    private float[] _scales = new float[capacity];

    public int Dimensions { get; } = dimensions;

    public int Count { get; private set; }

    /// <summary>Adds a vector at unit length. One without direction (all zero) is kept as such; it is similar to nothing.</summary>
    public void Add(ReadOnlySpan<float> vector)
    {
        if (Count == _scales.Length)
        {
            var grown = Math.Max(4, Count * 2);
            Array.Resize(ref _scales, grown);
            Array.Resize(ref _components, grown * Dimensions);
        }

        var norm = TensorPrimitives.Norm(vector);
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(vector));
        if (norm > 0 && float.IsFinite(norm))
        {
            var components = _components.AsSpan(Count * Dimensions, Dimensions);
            var factor = 127 / largest;
            for (var i = 0; i < components.Length; i++)
            {
                components[i] = (sbyte)MathF.Round(vector[i] * factor);
            }

            _scales[Count] = largest / norm / 127;
        }

        Count++;
    }

    /// <summary>Copies a vector from another block.</summary>
    public void Add(Int8Block other, int row)
    {
        if (Count == _scales.Length)
        {
            throw new InvalidOperationException("The block is full.");
        }

        other._components.AsSpan(row * Dimensions, Dimensions).CopyTo(_components.AsSpan(Count * Dimensions));
        _scales[Count++] = other._scales[row];
    }

    /// <summary>Similarity of a vector to the query, up to the query's own scale and the rounding.</summary>
    public float Score(int row, ReadOnlySpan<short> query) =>
        _scales[row] * Dot(_components.AsSpan(row * Dimensions, Dimensions), query);

    /// <summary>
    /// The query with twelve bits or fewer a component: its rounding then hardly adds to that of the stored vectors, and the sum of the
    /// products still fits 32 bits.
    /// </summary>
    public static short[] Quantize(ReadOnlySpan<float> query)
    {
        var largest = Math.Abs(TensorPrimitives.MaxMagnitude(query));
        var range = Math.Min(4095, int.MaxValue / 127 / query.Length);
        var quantized = new short[query.Length];
        for (var i = 0; i < quantized.Length; i++)
        {
            quantized[i] = (short)MathF.Round(query[i] / largest * range);
        }

        return quantized;
    }

    internal static int Dot(ReadOnlySpan<sbyte> components, ReadOnlySpan<short> query)
    {
        var (sum, i) = (0, 0);
        ref var left = ref MemoryMarshal.GetReference(components);
        ref var right = ref MemoryMarshal.GetReference(query);
        if (Avx2.IsSupported)
        {
            var sums = Vector256<int>.Zero;
            for (; i <= components.Length - 16; i += 16)
            {
                var wide = Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref left, (nuint)i));
                sums += Avx2.MultiplyAddAdjacent(wide, Vector256.LoadUnsafe(ref right, (nuint)i));
            }

            sum = Vector256.Sum(sums);
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            sum = DotPortable(ref left, ref right, components.Length, out i);
        }

        for (; i < components.Length; i++)
        {
            sum += components[i] * query[i];
        }

        return sum;
    }

    /// <summary>The same on processors without AVX2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int DotPortable(ref sbyte left, ref short right, int length, out int done)
    {
        var sums = Vector128<int>.Zero;
        for (done = 0; done <= length - 8; done += 8)
        {
            var wide = Vector128.WidenLower(
                Vector128
                    .CreateScalarUnsafe(
                        Unsafe.ReadUnaligned<long>(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref left, done)))
                    )
                    .AsSByte()
            );
            var (low, high) = Vector128.Widen(wide);
            var (queryLow, queryHigh) = Vector128.Widen(Vector128.LoadUnsafe(ref right, (nuint)done));
            sums += (low * queryLow) + (high * queryHigh);
        }

        return Vector128.Sum(sums);
    }
}
