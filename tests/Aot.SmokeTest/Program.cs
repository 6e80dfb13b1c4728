// Published to one native file, this does the main job: a folder, a question, a cited answer.
// Exit code 0 when a citation was verified, 1 otherwise.
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway;
using Slipway.Agents;
using Slipway.Agents.Conversations;
using Slipway.Agents.Models;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

var scratch = Directory.CreateTempSubdirectory("slipway-aot-").FullName;
try
{
    return await AnswerAsync(scratch) ? 0 : 1;
}
finally
{
    Directory.Delete(scratch, recursive: true);
}

static async Task<bool> AnswerAsync(string scratch)
{
    var folder = Directory.CreateDirectory(Path.Combine(scratch, "knowledge")).FullName;
    File.WriteAllText(
        Path.Combine(folder, "leave.md"),
        "---\ntitle: Leave\n---\n# Annual leave\n\nEverybody has 27 days.\n"
    );
    File.WriteAllText(Path.Combine(folder, "prices.csv"), "part;price\npump;45,00\n");
    File.WriteAllText(Path.Combine(folder, "stock.json"), """{"pump": {"stock": 12}}""");

    var builder = new Builder(new ServiceCollection());
    builder.UseSqlite(Path.Combine(scratch, "smoke.db"));
    await using var services = builder.Services.BuildServiceProvider();
    var documents = services.GetRequiredService<IDocumentStore>();
    var index = services.GetRequiredService<ISearchIndex>();

    using var source = new LocalFolderSource(folder);
    var pipeline = new IngestionPipeline(
        documents,
        services.GetRequiredService<IDocumentQueue>(),
        services.GetRequiredService<ILeaseStore>(),
        index,
        ReaderSet.Default,
        new StructureChunker(),
        null,
        new IngestionOptions(),
        TimeProvider.System,
        NullLogger<IngestionPipeline>.Instance
    );
    var report = await pipeline.RunAsync(source, CollectionKey.Default);
    Console.WriteLine($"{report.Added} documents, {report.Chunks} chunks, {report.Errors.Count} errors");

    var knowledge = new KnowledgeTools(new RetrievalPipeline(index), documents);
    var runner = new TurnRunner(
        new ExtractiveChatClient(),
        services.GetRequiredService<IConversationStore>(),
        services.GetRequiredService<ITurnStore>(),
        new ToolSource((principal, _) => new(knowledge.For(principal, CollectionKey.Default))),
        services.GetRequiredService<IPassageReader>(),
        new AgentOptions()
    );
    var request = new TurnRequest
    {
        Principal = Principal.Local,
        ConversationId = "smoke",
        Messages = [new ChatMessage(ChatRole.User, "How many days of annual leave are there?")],
    };
    var verified = false;
    await foreach (var happened in runner.RunAsync(request))
    {
        Console.Write((happened as TextDelta)?.Text);
        verified |= happened is CitationAdded { Citation.Verified: true };
    }

    Console.WriteLine();
    return report.Added == 3 && verified;
}

internal sealed record Builder(IServiceCollection Services) : ISlipwayBuilder;
