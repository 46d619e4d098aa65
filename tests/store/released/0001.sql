BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE canary_look (
	canary_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	targets BIGINT NOT NULL, 
	reached BIGINT NOT NULL, 
	PRIMARY KEY (canary_id)
);
INSERT INTO "canary_look" VALUES('5436206a6ecd91ef44f6b9c3aebd18dd','d3f14a7a7e78ff1191e01e9a1813e15d','vantage ''ü'' 0',1767614459868439,879,724);
INSERT INTO "canary_look" VALUES('c02c93d7e7aaa0117e21d7994fcb06c7','bb076cf4befe14b8f51bdca7a922f2dc','vantage ''ü'' 1',1767615185115105,303,874);
INSERT INTO "canary_look" VALUES('db311cb842151957f11cbe6bb77ec209','f871846cb7225d3d722ace934221da18','vantage ''ü'' 2',1767614559266636,539,918);
CREATE TABLE control_look (
	control_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	redirect TEXT, 
	redirect_site_id TEXT, 
	PRIMARY KEY (control_id)
);
INSERT INTO "control_look" VALUES('577f457b122856448f903760a4dac2af','979ba93536aa1bb97207ea7b435d16a8','663d25e410386ff6047dccf83140f8dd','vantage ''ü'' 0',1767614951559809,'failure ''ü'' 0',257,'media_type ''ü'' 0',953,'16e0454ed0348716775bdf2ed6d218e8','redirect ''ü'' 0','fcebf41b32510fd2940eb9bada1bf722');
INSERT INTO "control_look" VALUES('0d0e13094dc3beb16a700b8f8ad6e69a','35d8ea308cf4942b173f3c123106d2fc','1e049992dc84b79d3256fa3d8245b4b4','vantage ''ü'' 1',1767614691594138,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "control_look" VALUES('f9c17d172f4d873b4dbbb09681d70fab','86baa1962a253ee7577478ec62e254f9','57827001a82b9f4dccf5cbcf9647f389','vantage ''ü'' 2',1767614865863332,'failure ''ü'' 2',828,'media_type ''ü'' 2',940,'fe28514972f2612ec1efbac821d98154','redirect ''ü'' 2','6dc1a01886e2ddbe7a1f00ff8fdfdc77');
CREATE TABLE due (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	streak BIGINT NOT NULL, 
	first_report_at BIGINT NOT NULL, 
	category TEXT NOT NULL, 
	lease_run_id TEXT, 
	leased_until BIGINT, 
	PRIMARY KEY (url_id)
);
INSERT INTO "due" VALUES('87216dbd64852f9c4806d4243f8c2652','b0ad33b4a03941ac8bd73e29989b567c',1767614445434978,342,1767615182872657,'category ''ü'' 0','805014b71e2e4307a5bda4fa0b624685',338);
INSERT INTO "due" VALUES('aeb780fa1b0f3e264c68f38890fe136e','097ef4a0cd49c297a5ad73d48f4870b2',1767614751024636,635,1767614813717581,'category ''ü'' 1',NULL,NULL);
INSERT INTO "due" VALUES('8a7be86015b0062bb66c2b8546c2c54c','d16709bfd64ee26797e3c0caaeea6cc5',1767614545278054,733,1767615387001205,'category ''ü'' 2','21c7810de11009bf6cc4107f6a7a99d5',717);
CREATE TABLE key_check (
	key_number BIGINT NOT NULL, 
	id_check TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	PRIMARY KEY (key_number)
);
INSERT INTO "key_check" VALUES(249,'id_check ''ü'' 0',X'AF302F8155443993F28EA385A61CA8F827FB94770EC801A0');
INSERT INTO "key_check" VALUES(57,'id_check ''ü'' 1',X'09C33635CD7B2BD36B527ADA9CB1F4B6E72CF2D111BA1836');
INSERT INTO "key_check" VALUES(893,'id_check ''ü'' 2',X'ACE5B12B618E3E0A52EC62F258C4209051A445A0B5FB2D17');
CREATE TABLE observation (
	observation_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	scheduled_at BIGINT NOT NULL, 
	observed_at BIGINT NOT NULL, 
	resolution_id TEXT, 
	profile TEXT NOT NULL, 
	method TEXT, 
	address TEXT, 
	port BIGINT, 
	phase TEXT NOT NULL, 
	failure TEXT, 
	status BIGINT, 
	media_type TEXT, 
	content_length BIGINT, 
	etag_id TEXT, 
	last_modified_id TEXT, 
	server TEXT, 
	marks TEXT NOT NULL, 
	redirect TEXT, 
	redirect_url_id TEXT, 
	redirect_site_id TEXT, 
	steps BIGINT NOT NULL, 
	retry_after_s BIGINT, 
	tls_version TEXT, 
	tls_problem TEXT, 
	certificate_id TEXT, 
	public_key_id TEXT, 
	control_id TEXT, 
	bytes_read BIGINT NOT NULL, 
	connect_ms FLOAT, 
	head_ms FLOAT, 
	PRIMARY KEY (observation_id)
);
INSERT INTO "observation" VALUES('d64f34709575259d19a0ac7c53bc9f28','d0f2eec303350ee03cb7018be6264584','1ca3d4097e53bc5f3d6ca5fdf04d6508','vantage ''ü'' 0',1767615153804852,1767615101838028,'53064a6dad0b6deaa48a6fcb2fc10d7a','profile ''ü'' 0','method ''ü'' 0','address ''ü'' 0',509,'phase ''ü'' 0','failure ''ü'' 0',541,'media_type ''ü'' 0',36,'74019d07fa7a3075ded7a4c5398379bc','3afc9a66aaebb2ecd20ddd5bd6f724c0','server ''ü'' 0','["a","b"]','redirect ''ü'' 0','6b8d1214847324bb989059675d042026','920b6c6ae454b677ef9025a7d503b92f',441,527,'tls_version ''ü'' 0','tls_problem ''ü'' 0','eae1202a7c307cecddf88d008c0ea2e6','a6d7b34ae5a8ce169bd80d2c6aabad41','eb0d70e5eda11b00246e9904052bb991',6,3.03221216302994813e+05,8.51192568014990654e+05);
INSERT INTO "observation" VALUES('55a6c1bc52200beaab999dff49b42ba2','29e76702d636727740a26d48485e80c0','df4a3de7577a56439464d6a604f05581','vantage ''ü'' 1',1767615159683029,1767614517362347,NULL,'profile ''ü'' 1',NULL,NULL,NULL,'phase ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'["a","b"]',NULL,NULL,NULL,340,NULL,NULL,NULL,NULL,NULL,NULL,779,NULL,NULL);
INSERT INTO "observation" VALUES('814a4af728b3e0f800e40ffa4f27d8f2','5a241e6811c62f9a49d8b0e8707e23b3','2a396d3b8d7fd7d202e2334b6d8ce457','vantage ''ü'' 2',1767615208268766,1767614632087314,'29d62fc3ef65bf6afb7e964308945817','profile ''ü'' 2','method ''ü'' 2','address ''ü'' 2',496,'phase ''ü'' 2','failure ''ü'' 2',103,'media_type ''ü'' 2',421,'666c1284bfd05203ac293efd403bbf60','eb4ec320dcd7ea773d2046e8a15078d3','server ''ü'' 2','["a","b"]','redirect ''ü'' 2','caaaf54943257d889bee25f1e7e60a8f','27f1d65ade7f32d466296e107ce48d67',522,562,'tls_version ''ü'' 2','tls_problem ''ü'' 2','c30eef9aa7064198bd296c8fdb157a05','3f4b1911b61fbd40cb5002c065cf53ee','99b95855dc3b82642c059b755394c182',543,9.77959304097698768e+05,2.97215031525937549e+05);
CREATE TABLE report (
	report_id TEXT NOT NULL, 
	url_id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	category TEXT NOT NULL, 
	site_type TEXT, 
	commercial BOOLEAN, 
	assessed_illegal BOOLEAN, 
	verified_at BIGINT, 
	content_id TEXT, 
	reported_at BIGINT, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (report_id)
);
INSERT INTO "report" VALUES('93e5334adfebd92e8b2ca517546ed7fa','ea84b2a5903a21343865246d49b0defe','source ''ü'' 0','category ''ü'' 0','site_type ''ü'' 0',0,1,1767614727517025,'66e3f0d95c4e55036f18c825b4a3fe22',1767615186417630,1767614495561772);
INSERT INTO "report" VALUES('0ef4a6cf3b07c1bd79aa7a32aa9d8d52','72cbbbee3950cd4f79dcf2255feca6f2','source ''ü'' 1','category ''ü'' 1',NULL,NULL,NULL,NULL,NULL,NULL,1767614459706227);
INSERT INTO "report" VALUES('36a6535a66cf7c530dcf0ae1976abc75','cbc71c461c9e33b3ec9a0d463b9e1603','source ''ü'' 2','category ''ü'' 2','site_type ''ü'' 2',0,1,1767615065471915,'2ef82dcae10ed953b94cc876ca9c57bf',1767614919103265,1767615124730784);
CREATE TABLE resolution (
	resolution_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	status TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	cname_ids TEXT NOT NULL, 
	ttl_s BIGINT, 
	ede TEXT NOT NULL, 
	resolver TEXT NOT NULL, 
	resolved_at BIGINT NOT NULL, 
	PRIMARY KEY (resolution_id)
);
INSERT INTO "resolution" VALUES('353ecd4fa90729420f35b30ec56d8178','5f8857ee79f92d7e21b3333baa7db3d9','2b2906e36be364a43986c4c9e0e50fc4','vantage ''ü'' 0','status ''ü'' 0','["a","b"]','["a","b"]',990,'[22,23]','resolver ''ü'' 0',1767614886695069);
INSERT INTO "resolution" VALUES('61d64de738399bc7dcd06651b26f2ad4','ac6be5172a6341237c8034882d473a4e','44258ac77f19a8bfebf748df702d7513','vantage ''ü'' 1','status ''ü'' 1','["a","b"]','["a","b"]',NULL,'[22,23]','resolver ''ü'' 1',1767615377735009);
INSERT INTO "resolution" VALUES('c7b6a172fa5de9901754eb446546aa29','282f24343482f8137e5df25bdcf62d7d','a119669a086e31c72ceac9e1399c44e7','vantage ''ü'' 2','status ''ü'' 2','["a","b"]','["a","b"]',515,'[22,23]','resolver ''ü'' 2',1767615097827883);
CREATE TABLE run (
	run_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	vantage TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	version TEXT NOT NULL, 
	config_hash TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run" VALUES('6937a3cce1b22209d9054e20e0756075','kind ''ü'' 0','vantage ''ü'' 0',1767614537197637,'version ''ü'' 0','config_hash ''ü'' 0');
INSERT INTO "run" VALUES('01e10c87498a697ded06c32e85a65935','kind ''ü'' 1','vantage ''ü'' 1',1767614946524646,'version ''ü'' 1','config_hash ''ü'' 1');
INSERT INTO "run" VALUES('69ca43b459e065f279fe229aa85d2a1e','kind ''ü'' 2','vantage ''ü'' 2',1767615330008860,'version ''ü'' 2','config_hash ''ü'' 2');
CREATE TABLE run_end (
	run_id TEXT NOT NULL, 
	finished_at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	done BIGINT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "run_end" VALUES('e332543e3e06c9b628fd2c7a5f892d27',1767614823712882,'outcome ''ü'' 0',857);
INSERT INTO "run_end" VALUES('2571a33ed3fe8614c3321c3c5f657af2',1767615262583563,'outcome ''ü'' 1',81);
INSERT INTO "run_end" VALUES('d866ec861b44ad236c04ce91b20baae9',1767614457748123,'outcome ''ü'' 2',729);
CREATE TABLE sealed (
	entry_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	ciphertext BLOB NOT NULL, 
	key_number BIGINT NOT NULL, 
	PRIMARY KEY (entry_id)
);
INSERT INTO "sealed" VALUES('19473a629e7fb2f94ff1fc682fb9c536','kind ''ü'' 0',X'38CE586F9A5EAB06B368675DA4B6C10A9EB2F90EC63654C1',222);
INSERT INTO "sealed" VALUES('b82baacaa965aa0ae6e4afdbd0bfac91','kind ''ü'' 1',X'0BC70521D42978400553FD54CA7D094FA92F7AA084010F38',410);
INSERT INTO "sealed" VALUES('87db4f26c51b6eedbe9cb7ef1d9e125a','kind ''ü'' 2',X'50050A8092F42969FE2303F1D3D3AAE9AEF032FBEB51E6B4',837);
CREATE TABLE snapshot (
	snapshot_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	family BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	data_date BIGINT NOT NULL, 
	rows BIGINT NOT NULL, 
	checksum TEXT NOT NULL, 
	imported_at BIGINT NOT NULL, 
	PRIMARY KEY (snapshot_id)
);
INSERT INTO "snapshot" VALUES('c10a349a16fbdfefd74f11e1afa4780a','kind ''ü'' 0',561,'source ''ü'' 0',412,250,'checksum ''ü'' 0',1767615043464250);
INSERT INTO "snapshot" VALUES('ac975e92cc91434b5fcd209c69173971','kind ''ü'' 1',642,'source ''ü'' 1',212,199,'checksum ''ü'' 1',1767614625349465);
INSERT INTO "snapshot" VALUES('4155b7ac01e4378aa30237a9cc9bad5f','kind ''ü'' 2',498,'source ''ü'' 2',787,655,'checksum ''ü'' 2',1767615025855909);
CREATE TABLE target (
	url_id TEXT NOT NULL, 
	host_id TEXT NOT NULL, 
	site_id TEXT NOT NULL, 
	label_id TEXT NOT NULL, 
	path_id TEXT NOT NULL, 
	suffix_id TEXT, 
	spelling TEXT NOT NULL, 
	suffix_list TEXT NOT NULL, 
	added_at BIGINT NOT NULL, 
	PRIMARY KEY (url_id)
);
INSERT INTO "target" VALUES('d6c0ab8e5cd10caba82bc0c15d76f8da','bf81791f2cec59479a61dd8fdf4306fb','503da4738bae5c842fb99f2f3399c439','f2979dacb7b5dd1fbaaf9e7b89bfe9e7','19055b5e66823c5e1552e0b7eacca68d','f5d8b89818456f8e406368ad8763c2a0','spelling ''ü'' 0','suffix_list ''ü'' 0',1767615252772316);
INSERT INTO "target" VALUES('1943fc0a5b8cc9b4cdcd38b0badab2b5','95c69bd3dd679e9e99e1cc396729544b','2ded15917dbb5a4a4848243e20d3606c','953ebe738ca050de7e90a17573828d0c','cefc01d992da79499aa38aedfbe09800',NULL,'spelling ''ü'' 1','suffix_list ''ü'' 1',1767614528606853);
INSERT INTO "target" VALUES('0c83e90a5f53ab2fcd1c16ba38246d94','0cc16de3682dca7bf2cc86b07cd87f9f','5fb0e4b1d8109f9da30ccf465fe6e068','c91a2116da2603772af5fb3ff5123cd2','2df741b35887d0afa6e88baf75706b6f','aefcf11803ef9a4525a6cff3f489c49f','spelling ''ü'' 2','suffix_list ''ü'' 2',1767614737751217);
CREATE INDEX ix_canary_look_vantage_observed_at ON canary_look (vantage, observed_at);
CREATE INDEX ix_control_look_host_id_observed_at ON control_look (host_id, observed_at);
CREATE INDEX ix_due_due_at_host_id ON due (due_at, host_id);
CREATE INDEX ix_due_lease_run_id ON due (lease_run_id);
CREATE INDEX ix_observation_url_id_observed_at ON observation (url_id, observed_at);
CREATE INDEX ix_report_url_id ON report (url_id);
CREATE INDEX ix_resolution_host_id_resolved_at ON resolution (host_id, resolved_at);
CREATE INDEX ix_snapshot_kind_data_date ON snapshot (kind, data_date);
CREATE INDEX ix_target_host_id ON target (host_id);
COMMIT;
