using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Tests.Conformance;

namespace Slipway.Storage.Sqlite.Tests;

public sealed class SqliteDocumentMaintenanceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The log has to keep what somebody still reads.</summary>
    [Fact]
    public async Task What_a_reader_keeps_is_cleaned_when_it_is_erased_again()
    {
        await using var store = Assert.IsType<SqliteStoreFixture>(
            await SqliteStoreFixture.OpenAsync(TimeProvider.System, Token)
        );
        var id = await new Corpus(store).PublishAsync("a.md", "Xylophagus7");
        using var database = new SqliteDatabase(
            new SqliteStorageOptions { Path = store.Database.Path, BusyTimeout = TimeSpan.FromMilliseconds(10) },
            TimeProvider.System
        );
        var maintenance = new SqliteDocumentMaintenance(database);

        using (var reading = await store.Database.BeginReadAsync(Token))
        {
            Assert.Equal(1L, reading.Session.Scalar("select count(*) from documents"));
            var erased = (await maintenance.EraseAsync(CollectionKey.Default, id, Token))!;
            Assert.Equal((1, false), (erased.Documents, erased.FreeSpaceCleaned));
        }

        Assert.True(await store.ContainsAsync("Xylophagus7", Token));
        var again = (await maintenance.EraseAsync(CollectionKey.Default, id, Token))!;
        Assert.Equal((0, true), (again.Documents, again.FreeSpaceCleaned));
        Assert.False(await store.ContainsAsync("Xylophagus7", Token));
    }

    [Fact]
    public void A_redacted_message_is_still_one_that_the_agent_reads()
    {
        var citation = new Citation
        {
            Number = 1,
            Passage = new PassageReference("doc", 2, 0, 38),
            Title = "A title",
            Name = "a.md",
            Headings = ["Part"],
            Uri = "https://example.com/a",
            Verified = true,
        };
        var text = new TextContent("It says: the boiler stands in the cellar [1].")
        {
            Annotations = [citation.ToAnnotation(new TextSpanAnnotatedRegion { StartIndex = 41, EndIndex = 44 })],
        };

        var json = new DocumentRedaction("doc", "a.md", "A title", "The boiler stands\nin the cellar.").RedactJson(
            StoredMessage.Write(new ChatMessage(ChatRole.Assistant, [text]))
        );

        Assert.True(StoredMessage.TryRead(StoredMessage.Format, json, out var message));
        Assert.Equal("It says: ███ ██████ ██████ ██ ███ ██████ [1].", message.Text);
        var annotation = Assert.IsType<CitationAnnotation>(Assert.Single(message.Contents[0].Annotations!));
        Assert.Equal(
            citation with
            {
                Title = DocumentRedaction.Erased,
                Name = DocumentRedaction.Erased,
                Headings = [],
                Uri = null,
            },
            annotation.ToCitation()! with
            {
                Headings = [],
            }
        );
        Assert.Empty(annotation.ToCitation()!.Headings);
    }

    [Theory]
    [InlineData("no JSON, but the boiler stands in it", "no JSON, but ███ ██████ ██████ ██ it")]
    [InlineData("\"the boiler stands in\"", "\"███ ██████ ██████ ██\"")]
    [InlineData("{\"a\":1,\"a\":\"the boiler stands in\"}", "{\"a\":1,\"a\":\"███ ██████ ██████ ██\"}")]
    [InlineData("{\"a\":\"the boiler stands\"}", "{\"a\":\"the boiler stands\"}")]
    [InlineData("{ \"a\" : \"\\u00e4\" }", "{ \"a\" : \"\\u00e4\" }")]
    [InlineData(
        """{"a":"{\"documentId\":\"doc\",\"title\":\"T\",\"text\":\"x\"}"}""",
        """{"a":"{\"documentId\":\"doc\",\"title\":\"(erased)\"}"}"""
    )]
    public void Whatever_a_tool_has_said_is_redacted_and_the_rest_stays_to_the_letter(string stored, string redacted) =>
        Assert.Equal(
            redacted,
            new DocumentRedaction("doc", "a.md", "Title", "The boiler stands in the cellar.").RedactJson(stored)
        );
}
