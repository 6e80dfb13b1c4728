using System.Globalization;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Rag.Testing;

/// <summary>
/// Everything that a store holds, as lines that are equal for equal content: without the numbers that the store gives out, times, and who
/// worked when.
/// </summary>
internal static class StoredContent
{
    private static readonly string[] Uncompared = ["ingestion_runs", "leases"];

    public static async Task<IReadOnlyList<string>> ReadAsync(IStoreTables tables, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        await using var reader = await tables.OpenReaderAsync(cancellationToken);
        foreach (var table in StoreTable.All.Where(table => !Uncompared.Contains(table.Name)))
        {
            var rows = reader.ReadAsync(table, null, cancellationToken).Select(row => Describe(table, row));
            lines.AddRange((await rows.ToListAsync(cancellationToken)).Order(StringComparer.Ordinal));
        }

        return lines;
    }

    private static string Describe(StoreTable table, object?[] row) =>
        $"{table.Name}: "
        + string.Join(' ', table.Columns.Zip(row, (column, value) => $"{column.Name}={Describe(column, value)}"));

    private static string Describe(StoreColumn column, object? value) =>
        value switch
        {
            null => "none",
            DateTimeOffset => "some time",
            // Another one for each attempt.
            long when column.Name is "id" or "index_id" or "fencing_token" => "some number",
            // How long it took.
            long when column.Name is "duration_ms" => "some time",
            byte[] bytes => Convert.ToHexStringLower(bytes),
            float[] vector => string.Join(',', vector.Select(part => part.ToString("R", CultureInfo.InvariantCulture))),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
}
