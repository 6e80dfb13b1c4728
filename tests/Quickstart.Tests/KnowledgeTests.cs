using System.Net.Http.Json;
using System.Text.Json;

namespace Slipway.Quickstart.Tests;

/// <summary>The documents that come with the sample: what people try first must be found.</summary>
public sealed class KnowledgeTests : IDisposable
{
    // What a model is given by default when it searches.
    private const int Passages = 4;

    private readonly TemporaryFolder _data = new();
    private readonly HttpClient _client = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _client.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task Every_document_is_read_and_every_question_finds_the_words_that_answer_it()
    {
        await using var process = QuickstartProcess.Start([
            "--data",
            Path.Combine(_data.Path, "test.db"),
            "--urls",
            "http://127.0.0.1:0",
        ]);
        var address = await process.ListeningAsync();

        var documents = await GetAsync(address, "/api/documents?limit=1000");
        Assert.All(
            documents.GetProperty("documents").EnumerateArray(),
            document => Assert.Equal("published", document.GetProperty("state").GetString())
        );

        List<string> missed = [];
        List<string> second = [];
        var questions = await ReadQuestionsAsync();
        foreach (var question in questions)
        {
            var rank = await RankAsync(address, question);
            (
                rank == 0 ? missed
                : rank > 1 ? second
                : []
            ).Add(question.Question);
        }

        Assert.Equal(40, questions.Count);
        Assert.Empty(missed);
        // Three are second or third today; many more would mean that ranking got worse.
        Assert.InRange(second.Count, 0, 6);
    }

    /// <summary>The place of the first passage that holds the answer, from 1; 0 when none does.</summary>
    private async Task<int> RankAsync(Uri address, SampleQuestion sample)
    {
        var query = Uri.EscapeDataString(sample.Question);
        var result = await GetAsync(address, $"/api/search?q={query}&count={Passages}");
        return result
                .GetProperty("passages")
                .EnumerateArray()
                .ToList()
                .FindIndex(passage =>
                    passage.GetProperty("name").GetString() == sample.File
                    && passage.GetProperty("text").GetString()!.Contains(sample.Phrase, StringComparison.Ordinal)
                ) + 1;
    }

    private async Task<JsonElement> GetAsync(Uri address, string path) =>
        await _client.GetFromJsonAsync<JsonElement>(new Uri(address, path), Token);

    private static async Task<IReadOnlyList<SampleQuestion>> ReadQuestionsAsync()
    {
        var path = Path.Combine(QuickstartProcess.Home, "questions.json");
        await using var file = File.OpenRead(path);
        return (await JsonSerializer.DeserializeAsync<List<SampleQuestion>>(file, JsonSerializerOptions.Web, Token))!;
    }

    /// <summary>A question, the file that answers it, and words that stand only there.</summary>
    private sealed record SampleQuestion(string Question, string File, string Phrase);
}
