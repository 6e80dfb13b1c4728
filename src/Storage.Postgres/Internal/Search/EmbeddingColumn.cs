using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// The vectors of one model, as SQL: <c>embeddings.vector</c> has no dimension, so an index is on an expression and on one model's rows, and
/// a query is served by it only when it says the very same.
/// </summary>
/// <param name="model">The model's fingerprint.</param>
/// <param name="dimensions">Of its vectors.</param>
internal sealed class EmbeddingColumn(string model, int dimensions)
{
    // pgvector 0.8: what an index takes of each type.
    private const int MostOfVector = 2_000;
    private const int MostOfHalfVector = 4_000;

    public string Model { get; } = model;

    public int Dimensions { get; } = dimensions;

    /// <summary>Whether pgvector can index so many dimensions.</summary>
    public bool IsIndexable => Dimensions <= MostOfHalfVector;

    /// <summary>Above 2,000 dimensions the index holds 16-bit floats; its candidates are ranked again by the stored vectors.</summary>
    public string Type =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Dimensions <= MostOfVector ? "vector" : "halfvec")}({Dimensions})"
        );

    /// <summary>Bytes of a vector in the index.</summary>
    public int IndexedBytes => Dimensions * (Dimensions <= MostOfVector ? sizeof(float) : sizeof(short));

    /// <summary>The index's name, without its schema.</summary>
    public string IndexName { get; } =
        "embeddings_hnsw_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model)))[..16];

    /// <summary>The model as a literal: a parameter would not be seen to imply the index's condition.</summary>
    public string ModelLiteral { get; } =
        model.Contains('\\', StringComparison.Ordinal)
            ? $"E'{model.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'"
            : $"'{model.Replace("'", "''", StringComparison.Ordinal)}'";

    public string CreateIndex =>
        $"""
            create index concurrently {IndexName} on slipway.embeddings
            using hnsw ((vector::{Type}) {Type[..Type.IndexOf('(', StringComparison.Ordinal)]}_cosine_ops)
            where model = {ModelLiteral}
            """;
}
