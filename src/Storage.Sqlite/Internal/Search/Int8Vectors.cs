using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// Vectors at one byte a component, each with its own scale (4 bytes): what a scan reads to find candidates, a quarter of the float32
/// data. Immutable.
/// </summary>
internal sealed class Int8Vectors
{
    private readonly int _dimensions;
    private readonly sbyte[] _components;
    private readonly float[] _scales;

    private Int8Vectors(int dimensions, sbyte[] components, float[] scales) =>
        (_dimensions, _components, _scales) = (dimensions, components, scales);

    public int Count => _scales.Length;

    /// <summary>Similarity of a vector to the query, up to a factor that is the same for all, and to the rounding.</summary>
    public float Score(int row, ReadOnlySpan<short> query) =>
        _scales[row] * Dot(_components.AsSpan(row * _dimensions, _dimensions), query);

    /// <summary>
    /// The query with at most twelve bits a component: its rounding then hardly adds to that of the stored vectors, and the sum of the
    /// products fits 32 bits.
    /// </summary>
    public static short[] Quantize(ReadOnlySpan<float> query)
    {
        var largest = MathF.Abs(TensorPrimitives.MaxMagnitude(query));
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
        ref var left = ref MemoryMarshal.GetReference(components);
        ref var right = ref MemoryMarshal.GetReference(query);
        var sum = Avx2.IsSupported
            ? DotAvx2(ref left, ref right, components.Length, out var i)
            : DotPortable(ref left, ref right, components.Length, out i);
        for (; i < components.Length; i++)
        {
            sum += components[i] * query[i];
        }

        return sum;
    }

    /// <summary>One instruction multiplies 16 pairs and adds neighbours.</summary>
    private static int DotAvx2(ref sbyte left, ref short right, int length, out int done)
    {
        var sums = Vector256<int>.Zero;
        for (done = 0; done <= length - 16; done += 16)
        {
            var wide = Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref left, (nuint)done));
            sums += Avx2.MultiplyAddAdjacent(wide, Vector256.LoadUnsafe(ref right, (nuint)done));
        }

        return Vector256.Sum(sums);
    }

    /// <summary>The same for other processors.</summary>
    internal static int DotPortable(ref sbyte left, ref short right, int length, out int done)
    {
        var sums = Vector128<int>.Zero;
        for (done = 0; done <= length - 8; done += 8)
        {
            var eight = Unsafe.ReadUnaligned<long>(ref Unsafe.As<sbyte, byte>(ref Unsafe.Add(ref left, done)));
            var wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(eight).AsSByte());
            var (low, high) = Vector128.Widen(wide);
            var (queryLow, queryHigh) = Vector128.Widen(Vector128.LoadUnsafe(ref right, (nuint)done));
            sums += (low * queryLow) + (high * queryHigh);
        }

        return Vector128.Sum(sums);
    }

    internal sealed class Builder(int dimensions)
    {
        private sbyte[] _components = new sbyte[16 * dimensions];
        private float[] _scales = new float[16];

        public int Count { get; private set; }

        /// <summary>Adds a vector; one that is empty or has no direction is similar to nothing.</summary>
        public void Add(ReadOnlySpan<float> vector)
        {
            var components = Next();
            var scale = float.NaN; // not comparable: never among the best
            if (vector.Length > 0 && TensorPrimitives.Norm(vector) is > 0 and < float.PositiveInfinity and var norm)
            {
                var largest = MathF.Abs(TensorPrimitives.MaxMagnitude(vector));
                for (var i = 0; i < components.Length; i++)
                {
                    components[i] = (sbyte)MathF.Round(vector[i] / largest * 127);
                }

                scale = largest / norm;
            }

            _scales[Count++] = scale;
        }

        public void Add(Int8Vectors other, int row)
        {
            other._components.AsSpan(row * dimensions, dimensions).CopyTo(Next());
            _scales[Count++] = other._scales[row];
        }

        public Int8Vectors Build() => new(dimensions, _components[..(Count * dimensions)], _scales[..Count]);

        private Span<sbyte> Next()
        {
            if (Count == _scales.Length)
            {
                Array.Resize(ref _scales, Count * 2);
                Array.Resize(ref _components, Count * 2 * dimensions);
            }

            return _components.AsSpan(Count * dimensions, dimensions);
        }
    }
}
